using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Agents;

/// <summary>The bound on held bytes: first come, first served, never above the limit, nothing lost.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ByteBudgetTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _clock = new();

    [TestCase(100, true)]
    [TestCase(101, false)]
    [TestCase(0, true)]
    public void Reservation_GoesUpToTheLimit(long bytes, bool fits)
    {
        var budget = new ByteBudget(100, _clock);
        Assert.That(budget.TryReserve(bytes), Is.EqualTo(fits));
        Assert.That(budget.Used, Is.EqualTo(fits ? bytes : 0));
        Assert.That(budget.TryReserve(1), Is.EqualTo(bytes != 100));
    }

    [Test]
    public async Task MoreThanThereCanEverBe_IsRefusedAtOnce()
    {
        var budget = new ByteBudget(100, _clock);
        Assert.That(await budget.ReserveAsync(101, In(10)), Is.False);
        Assert.That((budget.Used, budget.Waiting, _clock.ActiveTimers), Is.EqualTo((0L, 0, 0)));
    }

    [Test]
    public async Task Waiting_IsFirstComeFirstServed_AlsoWhenALaterOneWouldFit()
    {
        var budget = new ByteBudget(100, _clock);
        budget.TryReserve(90);
        var large = budget.ReserveAsync(50, In(10)).AsTask();
        var small = budget.ReserveAsync(10, In(10)).AsTask();
        Assert.That(budget.TryReserve(5), Is.False, "nobody overtakes");
        Assert.That((large.IsCompleted, small.IsCompleted, budget.Waiting), Is.EqualTo((false, false, 2)));

        budget.Return(39);
        Assert.That(budget.Waiting, Is.EqualTo(2), "a byte less than the first needs");
        budget.Return(1);
        Assert.That(await large.WaitAsync(Limit, TimeProvider.System), Is.True);
        Assert.That((budget.Used, budget.Waiting), Is.EqualTo((100L, 1)));
        budget.Return(10);
        Assert.That(await small.WaitAsync(Limit, TimeProvider.System), Is.True);
        Assert.That((budget.Used, budget.Waiting), Is.EqualTo((100L, 0)));
    }

    [Test]
    public async Task Waiting_EndsAtTheDeadline()
    {
        var budget = new ByteBudget(100, _clock);
        budget.TryReserve(100);
        var waiting = budget.ReserveAsync(1, In(10)).AsTask();
        _clock.AdvanceTicks(TimeSpan.FromSeconds(10).Ticks - 1);
        Assert.That((_clock.ArmedTimers, budget.Waiting), Is.EqualTo((1, 1)), "a tick before");
        _clock.AdvanceTicks(1);
        Assert.That(await waiting.WaitAsync(Limit, TimeProvider.System), Is.False);
        Assert.That((budget.Used, budget.Waiting), Is.EqualTo((100L, 0)));
        Assert.That(await budget.ReserveAsync(1, _clock.GetTimestamp()), Is.False, "no time left: no wait");
        await Eventually.TrueAsync(() => _clock.ActiveTimers == 0, Limit, "the timer to be gone");
    }

    [Test]
    public async Task OneWhoGivesUp_LetsThoseBehindHaveTheirs()
    {
        var budget = new ByteBudget(100, _clock);
        budget.TryReserve(60);
        var large = budget.ReserveAsync(50, In(1)).AsTask();
        var small = budget.ReserveAsync(40, In(10)).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.That(await large.WaitAsync(Limit, TimeProvider.System), Is.False);
        Assert.That(await small.WaitAsync(Limit, TimeProvider.System), Is.True);
        Assert.That(budget.Used, Is.EqualTo(100));
    }

    [Test]
    public async Task TurnAndDeadlineInTheSameMoment_LoseNothing()
    {
        for (var round = 0; round < 200; round++)
        {
            var budget = new ByteBudget(100, _clock);
            budget.TryReserve(100);
            var waiting = budget.ReserveAsync(70, In(1)).AsTask();
            await Task.WhenAll(Task.Run(() => budget.Return(100)), Task.Run(() => _clock.Advance(TimeSpan.FromSeconds(1))));
            var got = await waiting.WaitAsync(Limit, TimeProvider.System);
            Assert.That((budget.Used, budget.Waiting), Is.EqualTo((got ? 70L : 0L, 0)));
        }
    }

    [Test]
    public async Task ManyAtOnce_NeverExceedTheLimitAndReturnEverything()
    {
        var budget = new ByteBudget(1000, TimeProvider.System);
        var deadline = TimeProvider.System.GetTimestamp() + (60 * TimeProvider.System.TimestampFrequency);
        var inside = 0L;
        var most = 0L;
        await Task.WhenAll(Enumerable.Range(1, 8).Select(seed => Task.Run(async () =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 2000; i++)
            {
                var bytes = random.Next(1, 600);
                Assert.That(await budget.ReserveAsync(bytes, deadline), Is.True);
                var now = Interlocked.Add(ref inside, bytes);
                InterlockedMax(ref most, now);
                if (i % 3 == 0)
                {
                    await Task.Yield();
                }

                Interlocked.Add(ref inside, -bytes);
                budget.Return(bytes);
            }
        })));

        Assert.That(most, Is.InRange(1, 1000));
        Assert.That((budget.Used, budget.Waiting), Is.EqualTo((0L, 0)));
    }

    private static void InterlockedMax(ref long most, long value)
    {
        for (var before = Volatile.Read(ref most); value > before; before = Volatile.Read(ref most))
        {
            if (Interlocked.CompareExchange(ref most, value, before) == before)
            {
                return;
            }
        }
    }

    private long In(int seconds) => _clock.GetTimestamp() + (seconds * _clock.TimestampFrequency);
}
