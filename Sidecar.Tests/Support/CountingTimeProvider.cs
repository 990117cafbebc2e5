namespace Sidecar.Tests.Support;

/// <summary>The real clock, which counts the timers that are not disposed of.</summary>
internal sealed class CountingTimeProvider : TimeProvider
{
    private int _timers;

    /// <summary>Timers that are not disposed of, armed or not.</summary>
    public int ActiveTimers => Volatile.Read(ref _timers);

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Interlocked.Increment(ref _timers);
        return new Timer(this, System.CreateTimer(callback, state, dueTime, period));
    }

    private sealed class Timer(CountingTimeProvider owner, ITimer timer) : ITimer
    {
        private int _disposed;

        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(dueTime, period);

        public void Dispose()
        {
            Count();
            timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Count();
            return timer.DisposeAsync();
        }

        private void Count()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                Interlocked.Decrement(ref owner._timers);
            }
        }
    }
}
