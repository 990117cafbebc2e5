using Microsoft.Extensions.Logging;

namespace Sidecar.Tests.Support;

/// <summary>
/// Gives every category a <see cref="RecordingLogger"/> over one record: for hosts, and wherever a logger factory is asked for.
/// </summary>
internal sealed class RecordingLoggerProvider : ILoggerProvider, ILoggerFactory
{
    /// <summary>The entries of all categories, in order.</summary>
    public LogRecord Record { get; } = new();

    /// <summary>What was logged so far.</summary>
    public IReadOnlyList<LogEntry> Entries => Record.Entries;

    /// <inheritdoc cref="ILoggerProvider.CreateLogger"/>
    public ILogger CreateLogger(string categoryName) => new RecordingLogger(categoryName, Record);

    /// <inheritdoc cref="LogRecord.WaitForAsync"/>
    public Task<LogEntry> WaitForAsync(Func<LogEntry, bool> matches, TimeSpan limit) => Record.WaitForAsync(matches, limit);

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) =>
        throw new NotSupportedException("This factory only records. Build a LoggerFactory and add this provider to it.");

    /// <summary>Nothing to release: the entries stay readable.</summary>
    public void Dispose()
    {
    }
}
