using NUnit.Framework;

namespace Sidecar.Tests.Support;

public sealed class FakeTimeProviderTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly List<string> _fired = [];
    private FakeTimeProvider _clock = new();
    private DateTimeOffset _start;

    [SetUp]
    public void SetUp()
    {
        _clock = new FakeTimeProvider();
        _start = _clock.GetUtcNow();
        _fired.Clear();
    }

    [Test]
    public void Clock_MovesOnlyByAdvance()
    {
        var (utc, timestamp) = (_clock.GetUtcNow(), _clock.GetTimestamp());
        Assert.That((_clock.GetUtcNow(), _clock.GetTimestamp()), Is.EqualTo((utc, timestamp)));

        _clock.Advance(TimeSpan.FromMilliseconds(120));

        Assert.That(_clock.GetUtcNow() - utc, Is.EqualTo(TimeSpan.FromMilliseconds(120)));
        Assert.That(_clock.GetElapsedTime(timestamp), Is.EqualTo(TimeSpan.FromMilliseconds(120)));
        Assert.That(_clock.GetTimestamp() - timestamp, Is.EqualTo(120 * _clock.TimestampFrequency / 1000));
    }

    [Test]
    public void Timestamps_AreNeitherTicksNorNanoseconds()
    {
        var before = _clock.GetTimestamp();
        _clock.AdvanceTicks(10);
        Assert.That(_clock.GetTimestamp() - before, Is.EqualTo(16));
        Assert.That(before, Is.Not.Zero);
    }

    [Test]
    public void TimeBelowZero_IsRefused()
    {
        Assert.That(() => _clock.AdvanceTicks(-1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => Timer("a", -Second), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => Timer("a", Second, -Second), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(_clock.ActiveTimers, Is.Zero);
    }

    [Test]
    public void OneShot_FiresAtItsTickAndOnce()
    {
        using var timer = Timer("a", Second);
        _clock.AdvanceTicks(Second.Ticks - 1);
        Assert.That(_fired, Is.Empty);

        _clock.AdvanceTicks(1);
        Assert.That(_fired, Is.EqualTo(new[] { "a 1" }));
        Assert.That((_clock.ActiveTimers, _clock.ArmedTimers), Is.EqualTo((1, 0)));

        _clock.Advance(100 * Second);
        Assert.That(_fired, Has.Count.EqualTo(1));
    }

    [Test]
    public void TimerOfACertainWait_IsToldFromOthers()
    {
        using var timer = Timer("a", 3 * Second);
        using var idle = Timer("idle", Timeout.InfiniteTimeSpan);
        Assert.That((_clock.IsArmedFor(3 * Second), _clock.IsArmedFor(2 * Second)), Is.EqualTo((true, false)));
        _clock.Advance(Second);
        Assert.That((_clock.IsArmedFor(3 * Second), _clock.IsArmedFor(2 * Second)), Is.EqualTo((false, true)));
        _clock.Advance(2 * Second);
        Assert.That(_clock.IsArmedFor(TimeSpan.Zero), Is.False, "it has fired");
    }

    [Test]
    public void Timers_FireInDueOrderWithTheClockAtTheirTime()
    {
        using var late = Timer("late", 3 * Second);
        using var early = Timer("early", Second);
        using var tie = Timer("tie", 3 * Second);
        _clock.Advance(5 * Second);
        Assert.That(_fired, Is.EqualTo(new[] { "early 1", "late 3", "tie 3" }));
    }

    [Test]
    public void Periodic_FiresForEachPeriodOfALongAdvance()
    {
        using var timer = Timer("p", Second, 2 * Second);
        _clock.Advance(6 * Second);
        Assert.That(_fired, Is.EqualTo(new[] { "p 1", "p 3", "p 5" }));
    }

    [Test]
    public void DueTimeZero_FiresInTheNextAdvanceNotAtOnce()
    {
        using var timer = Timer("now", TimeSpan.Zero);
        Assert.That(_fired, Is.Empty);
        _clock.Advance(TimeSpan.Zero);
        Assert.That(_fired, Is.EqualTo(new[] { "now 0" }));
    }

    [Test]
    public void ChangedTimer_KeepsOnlyItsNewTime()
    {
        using var timer = Timer("a", Second);
        Assert.That(timer.Change(2 * Second, Timeout.InfiniteTimeSpan), Is.True);
        _clock.Advance(Second);
        Assert.That(_fired, Is.Empty);
        timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _clock.Advance(9 * Second);
        Assert.That(_fired, Is.Empty);
        Assert.That(() => timer.Change(-Second, Second), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public async Task DisposedTimer_NeverFiresAndIsNotCounted()
    {
        var timer = Timer("a", Second, Second);
        var other = Timer("b", 9 * Second);
        await timer.DisposeAsync();
        _clock.Advance(5 * Second);
        Assert.That(_fired, Is.Empty);
        Assert.That(_clock.ActiveTimers, Is.EqualTo(1));
        Assert.That(timer.Change(Second, Second), Is.False);
        other.Dispose();
        Assert.That(_clock.ActiveTimers, Is.Zero);
    }

    [Test]
    public void Callback_MayArmAndDisposeTimers()
    {
        var victim = Timer("victim", 3 * Second);
        ITimer? chained = null;
        using var first = _clock.CreateTimer(
            _ =>
            {
                victim.Dispose();
                chained = Timer("chained", Second);
            },
            null,
            Second,
            Timeout.InfiniteTimeSpan);
        _clock.Advance(5 * Second);
        Assert.That(_fired, Is.EqualTo(new[] { "chained 2" }));
        chained!.Dispose();
    }

    [Test]
    public async Task DelayAndCancellation_OfTheBaseLibraryFollowTheClock()
    {
        var delay = Task.Delay(Second, _clock);
        using var source = new CancellationTokenSource(Second, _clock);
        _clock.AdvanceTicks(Second.Ticks - 1);
        Assert.That((delay.IsCompleted, source.IsCancellationRequested), Is.EqualTo((false, false)));
        _clock.AdvanceTicks(1);
        await delay;
        Assert.That(source.IsCancellationRequested, Is.True);
    }

    [Test]
    public void ManyThreads_LoseNoTimerAndNoTick()
    {
        var count = 0;
        Parallel.For(0, 64, _ =>
        {
            _clock.CreateTimer(_ => Interlocked.Increment(ref count), null, TimeSpan.FromTicks(3), Timeout.InfiniteTimeSpan);
            _clock.AdvanceTicks(1);
        });
        _clock.AdvanceTicks(3);
        Assert.That(count, Is.EqualTo(64));
        Assert.That(_clock.ActiveTimers, Is.EqualTo(64));
        Assert.That((_clock.GetUtcNow() - _start).Ticks, Is.EqualTo(67));
    }

    private ITimer Timer(string name, TimeSpan due, TimeSpan? period = null) => _clock.CreateTimer(
        _ => _fired.Add($"{name} {(_clock.GetUtcNow() - _start).TotalSeconds:0}"), null, due, period ?? Timeout.InfiniteTimeSpan);
}
