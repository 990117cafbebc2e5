using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>What the front end for scripts logs. Ids 3300–3399.</summary>
internal static partial class Log
{
    [LoggerMessage(3300, LogLevel.Debug, "exchange {Tx} ({Exchange}) is refused: {Problem}")]
    public static partial void Malformed(ILogger logger, string? tx, CorrelationId exchange, string problem);

    [LoggerMessage(3301, LogLevel.Error, "listener {Listener} was asked wrongly: {Problem}; {LeftOut} such lines were left out")]
    public static partial void Wrong(ILogger logger, string listener, string problem, long leftOut);

    [LoggerMessage(3302, LogLevel.Error, "a question on listener {Listener} could not be answered for a defect of ours")]
    public static partial void Failed(ILogger logger, string listener, Exception error);

    [LoggerMessage(3305, LogLevel.Information, "listener {Listener}: {Waiting} exchanges await their response; new ones are refused (cause "
        + "shutting-down) until those are done or --drain-timeout is up")]
    public static partial void Draining(ILogger logger, string listener, int waiting);
}
