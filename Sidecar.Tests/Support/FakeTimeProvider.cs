namespace Sidecar.Tests.Support;

/// <summary>A clock that stands still until a test moves it. Timers fire inside <see cref="Advance"/>, in the order they are due.</summary>
/// <remarks>
/// Timestamps count 16 MHz from an odd origin: 1.6 per tick, so code that takes one for the other, or assumes nanoseconds, is wrong by a
/// factor. It is 16 MHz and no prime, because 10/16 is exact in binary: elapsed times of whole microseconds come back to the tick.
/// Thread-safe: advances of several threads add up. A callback runs on the advancing thread without a lock held; it may create, change
/// and dispose timers.
/// </remarks>
internal sealed partial class FakeTimeProvider : TimeProvider
{
    private const long Frequency = 16_000_000;
    private const long Origin = 1_000_003;

    private readonly Lock _lock = new();
    private readonly List<FakeTimer> _timers = [];
    private readonly DateTimeOffset _start;
    private long _elapsedTicks;
    private long _targetTicks;
    private long _armings;

    /// <summary>A clock that starts on 2 January 2026, 03:04:05 UTC, unless another start is given.</summary>
    public FakeTimeProvider(DateTimeOffset? start = null) => _start = start ?? new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    /// <inheritdoc/>
    public override long TimestampFrequency => Frequency;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>The timers that are not disposed, armed or not. A test that ends with 0 left none behind.</summary>
    public int ActiveTimers
    {
        get
        {
            lock (_lock)
            {
                return _timers.Count;
            }
        }
    }

    /// <summary>Whether a timer will fire in just so long.</summary>
    public bool HasTimerIn(TimeSpan time)
    {
        lock (_lock)
        {
            return _timers.Any(timer => timer.Due == _elapsedTicks + time.Ticks);
        }
    }

    /// <summary>The timers that will fire if time goes on.</summary>
    public int ArmedTimers
    {
        get
        {
            lock (_lock)
            {
                return _timers.Count(timer => timer.Due is not null);
            }
        }
    }

    /// <summary>
    /// Whether a timer will fire in exactly this time. It tells the wait that a test is about from any other, which <see cref="ArmedTimers"/>
    /// cannot where one wait follows another.
    /// </summary>
    public bool IsArmedFor(TimeSpan wait)
    {
        lock (_lock)
        {
            return _timers.Exists(timer => timer.Due == _elapsedTicks + wait.Ticks);
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => _start + TimeSpan.FromTicks(Interlocked.Read(ref _elapsedTicks));

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        var ticks = Interlocked.Read(ref _elapsedTicks);
        return Origin + (long)((Int128)ticks * Frequency / TimeSpan.TicksPerSecond);
    }

    /// <summary>Moves the clock and fires every timer that becomes due, with the clock at the moment each is due.</summary>
    /// <param name="by">How far, 0 or more. 0 fires the timers that were armed with a due time of 0.</param>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        long target;
        lock (_lock)
        {
            target = _targetTicks += by.Ticks;
        }

        while (NextDue(target) is { } timer)
        {
            timer.Fire();
        }
    }

    /// <summary>Moves the clock by ticks of 100 ns; see <see cref="Advance"/>.</summary>
    public void AdvanceTicks(long ticks) => Advance(TimeSpan.FromTicks(ticks));

    /// <summary>
    /// Creates a timer that fires inside <see cref="Advance"/>, never inside this call: with a due time of 0, in the next advance even if
    /// that is by 0. It is periodic if the period is above 0.
    /// </summary>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new FakeTimer(this, callback, state);
        lock (_lock)
        {
            // At once: an advance of another thread must not pass between the two.
            timer.Change(dueTime, period);
            _timers.Add(timer);
        }

        return timer;
    }

    private FakeTimer? NextDue(long target)
    {
        lock (_lock)
        {
            var next = _timers.Where(timer => timer.Due <= target).MinBy(timer => (timer.Due, timer.Arming));
            Interlocked.Exchange(ref _elapsedTicks, Math.Max(_elapsedTicks, next?.Due ?? target));
            next?.Rearm();
            return next;
        }
    }
}
