namespace Sidecar.Tests.Support;

/// <summary>The entries of one or more <see cref="RecordingLogger"/>s, in order. Thread-safe.</summary>
internal sealed class LogRecord
{
    private readonly Lock _lock = new();
    private readonly List<LogEntry> _entries = [];
    private readonly List<(Func<LogEntry, bool> Matches, TaskCompletionSource<LogEntry> Found)> _waiters = [];

    /// <summary>What was logged so far; a copy.</summary>
    public IReadOnlyList<LogEntry> Entries
    {
        get
        {
            lock (_lock)
            {
                return [.. _entries];
            }
        }
    }

    /// <summary>Keeps an entry and wakes those who wait for it.</summary>
    public void Add(LogEntry entry)
    {
        lock (_lock)
        {
            _entries.Add(entry);
            _waiters.RemoveAll(waiter => waiter.Matches(entry) && waiter.Found.TrySetResult(entry));
        }
    }

    /// <summary>The first entry that matches, logged already or yet to come.</summary>
    /// <param name="matches">Runs under a lock: it must not log or wait.</param>
    /// <param name="limit">A generous limit, for example 30 s of real time; only a failing test uses it up.</param>
    /// <exception cref="TimeoutException">None came; the message lists those that did.</exception>
    public async Task<LogEntry> WaitForAsync(Func<LogEntry, bool> matches, TimeSpan limit)
    {
        // Continuations elsewhere: the logging code under test must not run the test's next lines.
        var found = new TaskCompletionSource<LogEntry>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_entries.FirstOrDefault(matches) is { } past)
            {
                return past;
            }

            _waiters.Add((matches, found));
        }

        try
        {
            return await found.Task.WaitAsync(limit, TimeProvider.System).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            lock (_lock)
            {
                _waiters.RemoveAll(waiter => waiter.Found == found);
            }

            var logged = string.Concat(Entries.Select(entry => $"{Environment.NewLine}  {entry}"));
            throw new TimeoutException($"No log entry matched within {limit.TotalSeconds:0.###} s of {Entries.Count} logged:{logged}");
        }
    }
}
