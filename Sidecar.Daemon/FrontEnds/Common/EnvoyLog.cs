using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>What the Envoy front end logs. Ids 3200–3299.</summary>
internal static partial class EnvoyLog
{
    [LoggerMessage(3200, LogLevel.Warning, "listener {Listener}: {Problem}; {More} more since the last such line")]
    public static partial void FilterProblem(ILogger logger, string listener, string problem, long more);

    [LoggerMessage(3201, LogLevel.Error, "listener {Listener}: the ext_proc stream of exchange {Exchange} failed; its request is refused")]
    public static partial void StreamFailed(ILogger logger, string listener, string exchange, Exception error);

    [LoggerMessage(3202, LogLevel.Warning,
        "listener {Listener}: a message is refused ({Cause}): {Detail}; {More} more since the last such line")]
    public static partial void MessageRefused(ILogger logger, string listener, string cause, string detail, long more);

    [LoggerMessage(3203, LogLevel.Error, "listener {Listener}: a call of {Method} failed; its request is refused")]
    public static partial void CallFailed(ILogger logger, string listener, string method, Exception error);

    [LoggerMessage(3204, LogLevel.Debug, "listener {Listener}: request {Exchange} is refused: {Problem}")]
    public static partial void Malformed(ILogger logger, string listener, string exchange, string problem);
}
