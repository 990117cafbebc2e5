using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Spop;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>What the spop front end logs. Ids 3200–3299.</summary>
internal static partial class Log
{
    [LoggerMessage(3200, LogLevel.Debug, "listener {Listener}: session {Session} with engine {Engine}, frames of {FrameSize} bytes")]
    public static partial void Greeted(ILogger logger, string listener, string session, string engine, int frameSize);

    [LoggerMessage(3201, LogLevel.Debug, "listener {Listener}: session {Session} ended: {Reason}: {Message}")]
    public static partial void Ended(ILogger logger, string listener, string session, string reason, string message);

    [LoggerMessage(3202, LogLevel.Warning,
        "listener {Listener}: session {Session} is ended with status {Status}: {Message} ({More} more since the last such line)")]
    public static partial void Refused(ILogger logger, string listener, string session, SpopStatus status, string message, long more);

    [LoggerMessage(3204, LogLevel.Error,
        "listener {Listener} is asked wrongly, and the request is refused: {Problem} ({More} more since the last such line)")]
    public static partial void Misconfigured(ILogger logger, string listener, string problem, long more);

    [LoggerMessage(3205, LogLevel.Debug, "request {Request} ({Exchange}) is refused: {Problem}")]
    public static partial void Malformed(ILogger logger, string? request, string exchange, string problem);

    [LoggerMessage(3206, LogLevel.Warning, "listener {Listener}: {What} of exchange {Exchange} does not fit into a frame of {FrameSize} "
        + "bytes ({More} more since the last such line); raise tune.bufsize in HAProxy")]
    public static partial void DoesNotFit(ILogger logger, string listener, string what, string exchange, int frameSize, long more);

    [LoggerMessage(3207, LogLevel.Error, "listener {Listener}: a defect in answering HAProxy; the request is refused")]
    public static partial void Defect(ILogger logger, Exception exception, string listener);

    [LoggerMessage(3209, LogLevel.Warning,
        "listener {Listener}: a fragmented message was not kept: {Message} ({More} more since the last such line)")]
    public static partial void NotKept(ILogger logger, string listener, string message, long more);

    [LoggerMessage(3210, LogLevel.Information, "listener {Listener}: {Waiting} exchanges await their response; new ones are refused (cause "
        + "shutting-down) until those are done or --drain-timeout is up")]
    public static partial void Draining(ILogger logger, string listener, int waiting);
}
