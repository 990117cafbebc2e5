using NUnit.Framework;
using Sidecar.Daemon.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class CircuitBreakerTests
{
    private static readonly BreakerSettings Settings = new()
    {
        FailurePercent = 50,
        MinCalls = 100,
        Window = TimeSpan.FromSeconds(10),
        Consecutive = 0,
        OpenFor = TimeSpan.FromSeconds(2),
        TrialsToClose = 2,
    };

    private readonly FakeTimeProvider _clock = new();
    private readonly List<BreakerState> _changes = [];

    [Test]
    public void Rate_OpensAtTheShareAndNotBelowTheNumber()
    {
        var breaker = Create(Settings);
        Report(breaker, successes: 50, failures: 49);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.Closed), "99 calls say nothing yet");
        Report(breaker, failures: 1);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.Open), "50 of 100");
        Assert.That(_changes, Is.EqualTo(new[] { BreakerState.Open }));

        var healthy = Create(Settings);
        Report(healthy, successes: 51, failures: 49);
        Assert.That(healthy.State, Is.EqualTo(BreakerState.Closed), "49 of 100");
    }

    [TestCase(0, BreakerState.Open)]
    [TestCase(1, BreakerState.Closed)]
    public void Failures_CountForTheWindowAndNotATickLonger(long ticksTooLate, int expected)
    {
        var breaker = Create(Settings);
        Report(breaker, failures: 99);
        _clock.AdvanceTicks(Settings.Window.Ticks - 1 + ticksTooLate);
        Report(breaker, failures: 1);
        Assert.That(breaker.State, Is.EqualTo((BreakerState)expected));
    }

    [Test]
    public void Consecutive_OpensAtTheNumber_ASuccessBetweenStartsAgain()
    {
        var breaker = Create(Settings with { Consecutive = 3 });
        Report(breaker, failures: 2);
        Report(breaker, successes: 1);
        Report(breaker, failures: 2);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.Closed));
        Report(breaker, failures: 1);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.Open));
    }

    [Test]
    public void Neutral_IsNoFailureAndNoSuccess()
    {
        var breaker = Create(Settings with { Consecutive = 2 });
        Report(breaker, failures: 1);
        for (var i = 0; i < 1000; i++)
        {
            breaker.Report(0, CallVerdict.Neutral);
        }

        Report(breaker, failures: 1);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.Open));
    }

    [Test]
    public void Open_LetsOneThroughAfterItsTime_AndNotATickBefore()
    {
        var breaker = Opened();
        _clock.AdvanceTicks(Settings.OpenFor.Ticks - 1);
        Assert.That(Enter(breaker), Is.Null);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.Open));
        _clock.AdvanceTicks(1);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.HalfOpen));
        Assert.That(Enter(breaker), Is.Not.Null);
        Assert.That(Enter(breaker), Is.Null, "one at a time");
    }

    [Test]
    public void HalfOpen_ClosesAfterTwoSuccesses()
    {
        var breaker = HalfOpen();
        breaker.Report(Enter(breaker)!.Value, CallVerdict.Success);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.HalfOpen));
        breaker.Report(Enter(breaker)!.Value, CallVerdict.Success);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.Closed));
        Assert.That(_changes, Is.EqualTo(new[] { BreakerState.Open, BreakerState.Closed }));
        Report(breaker, failures: 99);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.Closed), "what was before is forgotten");
    }

    [Test]
    public void HalfOpen_TrialsGrowWithEachSuccess_AndAreHalvedByAFailure()
    {
        var breaker = HalfOpen(Settings with { TrialsToClose = 8 });
        breaker.Report(Enter(breaker)!.Value, CallVerdict.Success);
        breaker.Report(Enter(breaker)!.Value, CallVerdict.Success);
        breaker.Report(Enter(breaker)!.Value, CallVerdict.Success);
        var trials = Enumerable.Range(0, 4).Select(_ => Enter(breaker)!.Value).ToList();
        Assert.That(Enter(breaker), Is.Null, "four at a time after three successes");
        breaker.Report(trials[0], CallVerdict.Failure);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.HalfOpen), "one of many that fails is not all");
        breaker.Report(trials[1], CallVerdict.Success);
        breaker.Report(trials[2], CallVerdict.Success);
        breaker.Report(trials[3], CallVerdict.Neutral);
        Assert.That(Enumerable.Range(0, 5).Count(_ => Enter(breaker) is not null), Is.EqualTo(4), "half of four, and two more");
    }

    [Test]
    public void HalfOpen_TheLastTrialThatFailsOpensItAgainForTheWholeTime()
    {
        var breaker = HalfOpen();
        breaker.Report(Enter(breaker)!.Value, CallVerdict.Success);
        breaker.Report(Enter(breaker)!.Value, CallVerdict.Failure);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.HalfOpen));
        breaker.Report(Enter(breaker)!.Value, CallVerdict.Failure);
        _clock.AdvanceTicks(Settings.OpenFor.Ticks - 1);
        Assert.That(Enter(breaker), Is.Null);
        _clock.AdvanceTicks(1);
        breaker.Report(Enter(breaker)!.Value, CallVerdict.Success);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.HalfOpen), "the success before the failure does not count");
        Assert.That(_changes, Is.EqualTo(new[] { BreakerState.Open }), "not one line per attempt");
    }

    // After a kill most refusals would be the breaker's open time: the process that answers now has lost nothing.
    [Test]
    public void NewConnection_EndsTheOpenTime_OfABreakerThatLostConnectionsOpened()
    {
        var breaker = Create(Settings);
        Report(breaker, successes: 1);
        Lose(breaker, 100);
        Assert.That((breaker.State, Enter(breaker)), Is.EqualTo((BreakerState.Open, (int?)null)));
        breaker.Renew();
        Assert.That(Enter(breaker), Is.Not.Null, "at once");

        var sick = Create(Settings);
        Report(sick, successes: 1, failures: 100);
        sick.Renew();
        Assert.That(Enter(sick), Is.Null, "calls that failed on living connections still count");
    }

    [Test]
    public void AgentThatDiesUnderEveryCall_OpensIt_HoweverOftenItComesBack()
    {
        var breaker = Create(Settings);
        Report(breaker, successes: 1);
        for (var connection = 0; connection < 10; connection++)
        {
            breaker.Renew();
            Lose(breaker, 12);
        }

        Assert.That(breaker.State, Is.EqualTo(BreakerState.Open));
    }

    private static void Lose(CircuitBreaker breaker, int calls)
    {
        for (var i = 0; i < calls; i++)
        {
            breaker.Report(0, CallVerdict.Failure, isLost: true);
        }
    }

    // A trial whose outcome is lost must not leave the breaker shut for ever.
    [Test]
    public void Defect55_HalfOpen_TheTrialsPlaceComesBack_WhenItSaysNothingAndWhenItIsLost()
    {
        var breaker = HalfOpen();
        breaker.Report(Enter(breaker)!.Value, CallVerdict.Neutral);
        var lost = Enter(breaker, deadlineMs: 100)!.Value;
        _clock.AdvanceTicks((TimeSpan.FromMilliseconds(100) + Settings.OpenFor).Ticks - 1);
        Assert.That(Enter(breaker), Is.Null);
        _clock.AdvanceTicks(1);
        var next = Enter(breaker);
        Assert.That(next, Is.Not.Null);
        breaker.Report(lost, CallVerdict.Failure);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.HalfOpen), "its place is another's now");
        breaker.Report(next!.Value, CallVerdict.Success);
        breaker.Report(Enter(breaker)!.Value, CallVerdict.Success);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.Closed));
    }

    [Test]
    public void LateReports_OfCallsFromBefore_DecideNothing()
    {
        var breaker = HalfOpen();
        var trial = Enter(breaker)!.Value;
        Report(breaker, successes: 10, failures: 10);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.HalfOpen));
        breaker.Report(trial, CallVerdict.Success);
        breaker.Report(trial, CallVerdict.Success);
        Assert.That(breaker.State, Is.EqualTo(BreakerState.HalfOpen), "a trial counts once");
    }

    [Test]
    public void Off_NeverOpens()
    {
        var breaker = Create(BreakerSettings.Off);
        Report(breaker, failures: 10_000);
        Assert.That((breaker.State, Enter(breaker)), Is.EqualTo((BreakerState.Closed, (int?)0)));
    }

    [Test]
    public void Trials_OfManyThreads_AreOneAtATime()
    {
        var breaker = HalfOpen();
        var admitted = 0;
        Parallel.For(0, 64, _ =>
        {
            if (breaker.TryEnter(long.MaxValue, out int _))
            {
                Interlocked.Increment(ref admitted);
            }
        });
        Assert.That(admitted, Is.EqualTo(1));
    }

    [Test]
    public void CountingACall_AllocatesNothing()
    {
        var breaker = Create(Settings);
        var allocated = Allocations.Of(1000, () =>
        {
            breaker.TryEnter(0, out var trial);
            breaker.Report(trial, CallVerdict.Success);
        });
        Assert.That(allocated, Is.Zero);
    }

    private static void Report(CircuitBreaker breaker, int successes = 0, int failures = 0)
    {
        for (var i = 0; i < successes + failures; i++)
        {
            breaker.Report(0, i < successes ? CallVerdict.Success : CallVerdict.Failure);
        }
    }

    private CircuitBreaker Create(BreakerSettings settings) => new(settings, _clock, (state, _) => _changes.Add(state));

    private CircuitBreaker Opened(BreakerSettings? settings = null)
    {
        var breaker = Create(settings ?? Settings);
        Report(breaker, failures: 100);
        return breaker;
    }

    private CircuitBreaker HalfOpen(BreakerSettings? settings = null)
    {
        var breaker = Opened(settings);
        _clock.Advance(Settings.OpenFor);
        return breaker;
    }

    private int? Enter(CircuitBreaker breaker, int deadlineMs = 100) =>
        breaker.TryEnter(_clock.GetTimestamp() + (deadlineMs * _clock.TimestampFrequency / 1000), out var trial) ? trial : null;
}
