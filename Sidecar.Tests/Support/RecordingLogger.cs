using Microsoft.Extensions.Logging;

namespace Sidecar.Tests.Support;

/// <summary>Keeps what is logged, every level, for a test to read. Thread-safe.</summary>
internal class RecordingLogger(string category = "", LogRecord? record = null) : ILogger
{
    /// <summary>Where the entries go; may be shared by several loggers.</summary>
    public LogRecord Record { get; } = record ?? new LogRecord();

    /// <summary>What was logged so far.</summary>
    public IReadOnlyList<LogEntry> Entries => Record.Entries;

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => true;

    /// <inheritdoc/>
    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        // Copied at once: the state of a source-generated message is a struct over values that may change afterwards.
        KeyValuePair<string, object?>[] pairs = state is IEnumerable<KeyValuePair<string, object?>> named ? [.. named] : [];
        Record.Add(new LogEntry(category, logLevel, eventId, formatter(state, exception), exception, pairs));
    }

    /// <inheritdoc cref="LogRecord.WaitForAsync"/>
    public Task<LogEntry> WaitForAsync(Func<LogEntry, bool> matches, TimeSpan limit) => Record.WaitForAsync(matches, limit);
}
