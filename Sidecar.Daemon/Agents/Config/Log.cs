using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Agents.Config;

/// <summary>What is logged about the configurations of agents. Ids 1200–1249.</summary>
internal static partial class Log
{
    [LoggerMessage(1200, LogLevel.Information, "configuration {Push} is pushed to agent {Agent}")]
    public static partial void PushStarted(ILogger logger, string push, string agent);

    [LoggerMessage(EventId = 1201, Message = "configuration {Push} to agent {Agent} is {State} after {Attempts} attempts: {Reason}")]
    public static partial void PushEnded(ILogger logger, LogLevel level, string push, string agent, string state, int attempts, string reason);

    [LoggerMessage(1202, LogLevel.Error, "configuration {Push} to agent {Agent} could not be pushed")]
    public static partial void PushBroke(ILogger logger, string push, string agent, Exception error);

    [LoggerMessage(EventId = 1203, Message = "agent {Agent} sends {Type} ({Detail}): {Answer}; {LeftOut} more since the last such line")]
    public static partial void UpdateRequested(ILogger logger, LogLevel level, string agent, string type, string detail, string answer, long leftOut);
}
