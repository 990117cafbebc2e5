using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>What pools log. Ids 1100–1199.</summary>
internal static partial class Log
{
    [LoggerMessage(1100, LogLevel.Information, "agent {Agent} is reachable at {Endpoint}; it takes {Events}")]
    public static partial void Reachable(ILogger logger, string agent, string endpoint, EventSet events);

    [LoggerMessage(1101, LogLevel.Warning, "agent {Agent} is not reachable: {Reason}; trying for ever")]
    public static partial void Unreachable(ILogger logger, string agent, string reason);

    [LoggerMessage(1102, LogLevel.Warning, "a connection to agent {Agent} is replaced: {Reason}")]
    public static partial void Replaced(ILogger logger, string agent, string reason);

    [LoggerMessage(1103, LogLevel.Information, "agent {Agent} reports health {Health}: {Message}")]
    public static partial void Health(ILogger logger, string agent, HealthState health, string? message);

    [LoggerMessage(1104, LogLevel.Information, "agent {Agent} asks to {Action} on connection {Connection}")]
    public static partial void FlowControl(ILogger logger, string agent, FlowAction action, string connection);

    [LoggerMessage(1105, LogLevel.Information, "agent {Agent} sends {Update}; there is no way to answer it on this transport")]
    public static partial void ConfigUpdate(ILogger logger, string agent, string update);

    [LoggerMessage(1106, LogLevel.Warning, "agent {Agent} had {Calls} calls in flight after {Limit} when its connections were closed")]
    public static partial void NotDrained(ILogger logger, string agent, int calls, TimeSpan limit);

    [LoggerMessage(1108, LogLevel.Warning, "agent {Agent} comes and goes: more than {Limit} changes within a minute; further ones of this minute are not logged")]
    public static partial void Flapping(ILogger logger, string agent, int limit);

    [LoggerMessage(1107, LogLevel.Error, "keeping connections to agent {Agent} failed; going on")]
    public static partial void KeeperFailed(ILogger logger, string agent, Exception error);
}
