namespace Sidecar.Daemon.Connections.Calls;

/// <summary>
/// One timer for all calls of a connection, armed to the earliest deadline. Not synchronised: the connection's lock guards it.
/// </summary>
/// <remarks>
/// An answered call does not disarm it: the timer then fires once for nothing, looks at the table and sleeps again, which costs less than
/// two changes per call.
/// </remarks>
internal sealed class CallDeadlines(TimeProvider time, Action fired) : IDisposable
{
    // Timers take at most 49 days. It fires early then, finds nothing due, and is set again.
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly ITimer _timer =
        time.CreateTimer(static state => ((Action)state!)(), fired, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    private long _armedFor = long.MaxValue;
    private bool _disposed;

    /// <summary>Makes sure that the timer fires no later than this timestamp.</summary>
    public void Arm(long deadline)
    {
        if (deadline < _armedFor)
        {
            Rearm(deadline);
        }
    }

    /// <summary>Sets the timer after it fired; <see cref="long.MaxValue"/> lets it sleep.</summary>
    public void Rearm(long deadline)
    {
        if (_disposed)
        {
            return;
        }

        _armedFor = deadline;
        if (deadline == long.MaxValue)
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }

        // A millisecond is the timer's grain: rounded up, so that it does not fire just before the deadline and spin.
        var wait = time.GetElapsedTime(time.GetTimestamp(), deadline);
        var whole = Math.Ceiling(Math.Clamp(wait.TotalMilliseconds, 0, LongestWait.TotalMilliseconds));
        _timer.Change(TimeSpan.FromMilliseconds(whole), Timeout.InfiniteTimeSpan);
    }

    public void Dispose()
    {
        _disposed = true;
        _timer.Dispose();
    }
}
