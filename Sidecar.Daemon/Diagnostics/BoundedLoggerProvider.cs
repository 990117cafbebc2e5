using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Diagnostics;

/// <summary>The daemon's log: what all categories write, each behind a <see cref="BoundedLogger"/>. Safe from any thread.</summary>
/// <param name="inner">Writes the lines. It must never wait for whoever reads them. Disposed with this.</param>
/// <param name="time">The clock of the pace.</param>
/// <param name="exempt">The id of an event of ours that is paced where it is written.</param>
internal sealed class BoundedLoggerProvider(ILoggerProvider inner, TimeProvider time, int exempt = 0) : ILoggerProvider
{
    // Of a framework's line about a peer, once a minute is enough, and where in its code it happened helps nobody.
    private const int LinesOfFrameworks = 1;

    private const string Ours = "Sidecar.";

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName)
    {
        var logger = inner.CreateLogger(categoryName);
        return categoryName.StartsWith(Ours, StringComparison.Ordinal)
            ? new BoundedLogger(logger, time, BoundedLogger.Lines, exempt, LoggedException.WithStack)
            : new BoundedLogger(logger, time, LinesOfFrameworks, exempt: 0, LoggedException.OneLine);
    }

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();
}
