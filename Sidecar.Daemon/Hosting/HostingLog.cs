using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Hosting;

/// <summary>The log messages of this room. Ids and names are a contract: never renumbered, a retired one stays reserved.</summary>
internal static partial class HostingLog
{
    // Ids up to 9 are those of socket files.
    private const int Base = 9000;

    [LoggerMessage(Base + 10, LogLevel.Warning, "Could not tell systemd {State} on {Address}: {Reason}")]
    internal static partial void NotifyFailed(ILogger logger, string state, string address, string reason);

    [LoggerMessage(Base + 20, LogLevel.Information, "Shutdown: {Step} (at most {Limit})")]
    internal static partial void StepStarted(ILogger logger, string step, TimeSpan limit);

    [LoggerMessage(Base + 21, LogLevel.Information, "Shutdown: {Step} done in {Elapsed}")]
    internal static partial void StepDone(ILogger logger, string step, TimeSpan elapsed);

    [LoggerMessage(Base + 22, LogLevel.Warning, "Shutdown: {Step} not finished within {Limit}, going on")]
    internal static partial void StepTimedOut(ILogger logger, string step, TimeSpan limit);

    [LoggerMessage(Base + 23, LogLevel.Error, "Shutdown: {Step} failed after {Elapsed}, going on")]
    internal static partial void StepFailed(ILogger logger, Exception exception, string step, TimeSpan elapsed);

    [LoggerMessage(Base + 24, LogLevel.Warning, "Shutdown: {Step} cut short after {Elapsed} because the stop was hurried, going on")]
    internal static partial void StepCut(ILogger logger, string step, TimeSpan elapsed);

    [LoggerMessage(Base + 25, LogLevel.Warning, "Shutdown: {Step} failed after it was no longer waited for")]
    internal static partial void StepFailedLate(ILogger logger, Exception exception, string step);
}
