namespace Sidecar.Tests.Support;

internal sealed partial class FakeTimeProvider
{
    private sealed class FakeTimer(FakeTimeProvider clock, TimerCallback callback, object? state) : ITimer
    {
        private long _periodTicks;
        private bool _disposed;

        /// <summary>When it fires, in ticks since the clock's start; null while it is not armed. Guarded by the clock's lock.</summary>
        public long? Due { get; private set; }

        /// <summary>Orders timers that are due at the same tick: the one armed first fires first.</summary>
        public long Arming { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            ThrowIfNegative(dueTime, nameof(dueTime));
            ThrowIfNegative(period, nameof(period));
            lock (clock._lock)
            {
                if (_disposed)
                {
                    return false;
                }

                _periodTicks = Math.Max(0, period.Ticks);
                Arm(dueTime == Timeout.InfiniteTimeSpan ? null : clock._elapsedTicks + dueTime.Ticks);
                return true;
            }
        }

        /// <summary>Moves a periodic timer to its next period and disarms any other. The caller holds the clock's lock.</summary>
        public void Rearm() => Arm(_periodTicks > 0 ? Due + _periodTicks : null);

        public void Fire() => callback(state);

        public void Dispose()
        {
            lock (clock._lock)
            {
                _disposed = true;
                Due = null;
                clock._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private static void ThrowIfNegative(TimeSpan value, string name)
        {
            if (value != Timeout.InfiniteTimeSpan)
            {
                ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero, name);
            }
        }

        private void Arm(long? due)
        {
            Due = due;
            Arming = clock._armings++;
        }
    }
}
