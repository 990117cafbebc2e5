using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Hosting;

/// <summary>The log messages of this room. Ids and names are a contract: never renumbered, a retired one stays reserved.</summary>
internal static partial class HostingLog
{
    private const int Base = 9000;

    [LoggerMessage(Base + 1, LogLevel.Information, "Listening on {Path} (found there before: {Found})")]
    internal static partial void SocketListening(ILogger logger, string path, UnixSocketState found);

    [LoggerMessage(Base + 2, LogLevel.Information, "Gave up {Path} (file was still ours and is removed: {Removed})")]
    internal static partial void SocketUnlinked(ILogger logger, string path, bool removed);

    [LoggerMessage(Base + 3, LogLevel.Warning, "Could not remove the socket file {Path}: {Reason}; the next start replaces it")]
    internal static partial void SocketNotUnlinked(ILogger logger, string path, string reason);

    [LoggerMessage(Base + 10, LogLevel.Warning, "Could not tell systemd {State} on {Address}: {Reason}")]
    internal static partial void NotifyFailed(ILogger logger, string state, string address, string reason);

    [LoggerMessage(Base + 20, LogLevel.Information, "Shutdown: {Rung} (at most {Limit})")]
    internal static partial void RungStarted(ILogger logger, string rung, TimeSpan limit);

    [LoggerMessage(Base + 21, LogLevel.Information, "Shutdown: {Rung} done in {Elapsed}")]
    internal static partial void RungDone(ILogger logger, string rung, TimeSpan elapsed);

    [LoggerMessage(Base + 22, LogLevel.Warning, "Shutdown: {Rung} not finished within {Limit}, going on")]
    internal static partial void RungTimedOut(ILogger logger, string rung, TimeSpan limit);

    [LoggerMessage(Base + 23, LogLevel.Error, "Shutdown: {Rung} failed after {Elapsed}, going on")]
    internal static partial void RungFailed(ILogger logger, Exception exception, string rung, TimeSpan elapsed);

    [LoggerMessage(Base + 24, LogLevel.Warning, "Shutdown: {Rung} cut short after {Elapsed} because the stop was hurried, going on")]
    internal static partial void RungCut(ILogger logger, string rung, TimeSpan elapsed);

    [LoggerMessage(Base + 25, LogLevel.Warning, "Shutdown: {Rung} failed after it was no longer waited for")]
    internal static partial void RungFailedLate(ILogger logger, Exception exception, string rung);
}
