using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Agents;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

/// <summary>The agent's one state, and who waits in which.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class PoolStateTests
{
    private readonly SessionRig _rig = new();
    private volatile bool _isUp;

    // Attempts never end for good, and an agent that is absent at the start is added when it comes.
    [Test]
    public async Task AbsentAgent_IsWaitedForUntilThreeAttemptsFailed_ThenRefusedAtOnce_ThenComesAlive()
    {
        var dialer = new ScriptedDialer(_ => _isUp ? new FakeConnection("a") : null, _rig.Clock);
        await using var pool = Pool(dialer);
        Assert.That(pool.State, Is.EqualTo(PoolState.Pending));
        var waiting = AskAsync(pool, 1);
        Assert.That(waiting.IsCompleted, Is.False, "it may be there in a moment");
        pool.Start();
        await _rig.Clock.StepUntilAsync(TimeSpan.FromMilliseconds(10), () => pool.State == PoolState.Unhealthy, "three attempts");
        Assert.That(dialer.Dials, Is.EqualTo(3));
        Assert.That((await waiting.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).Outcome, Is.EqualTo(CallOutcome.NoConnection));
        var refused = AskAsync(pool, 2);
        Assert.That(refused.IsCompleted, Is.True, "nobody waits for it any more");
        Assert.That((await refused).Outcome, Is.EqualTo(CallOutcome.NoConnection));
        _isUp = true;
        await _rig.Clock.StepUntilAsync(TimeSpan.FromMilliseconds(10), () => pool.State == PoolState.Available, "it to come alive");
        Assert.That((await AskAsync(pool, 3)).IsAnswered, Is.True);
        await _rig.Log.Collector.WaitForAsync(static entry => entry.Id.Id == 1100, ScriptedAgent.Limit);
        Assert.That(
            _rig.Log.Collector.GetSnapshot().Select(static entry => entry.Id.Id).Where(static id => id is >= 1100 and <= 1110 and not (1103 or 1104)),
            Is.EqualTo(new[] { 1101, 1110, 1100 }), "one line per change");
    }

    [Test]
    public async Task WaitingCallers_AreWokenWhenAConnectionArrives()
    {
        var dialer = new ScriptedDialer(static _ => new FakeConnection("a"), _rig.Clock);
        await using var pool = Pool(dialer);
        var waiting = Enumerable.Range(1, 3).Select(n => AskAsync(pool, n)).ToList();
        Assert.That(pool.Admission.Waiting, Is.EqualTo(3));
        pool.Start();
        var results = await Task.WhenAll(waiting).WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That(results.Select(static result => result.IsAnswered), Is.All.True, "and the clock has not moved");
    }

    [Test]
    public async Task WaitingCallers_FailAtOnceWhenThePoolIsClosed()
    {
        var pool = Pool(new ScriptedDialer(static _ => null, _rig.Clock));
        var waiting = AskAsync(pool, 1);
        Assert.That(waiting.IsCompleted, Is.False);
        await pool.DisposeAsync();
        Assert.That((await waiting.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).Detail, Does.Contain("being closed"));
    }

    [Test]
    public async Task State_AddsUpWhatTheConnectionsSay()
    {
        var (a, b) = (new FakeConnection("a"), new FakeConnection("b"));
        await using var pool = await _rig.PoolAsync(a, b);
        Assert.That(pool.State, Is.EqualTo(PoolState.Available));
        pool.OnHealth(a, new HealthStatus { State = HealthState.Degraded, TimeoutMultiplier = 2 });
        Assert.That((pool.State, pool.TimeoutMultiplier), Is.EqualTo((PoolState.Degraded, 2.0)));
        pool.OnHealth(a, new HealthStatus { State = HealthState.Draining });
        Assert.That((pool.State, pool.TimeoutMultiplier), Is.EqualTo((PoolState.Degraded, 1.0)), "the other one takes all");
        pool.OnHealth(b, new HealthStatus { State = HealthState.Draining });
        Assert.That(pool.State, Is.EqualTo(PoolState.Draining));
        pool.OnHealth(b, new HealthStatus { State = HealthState.Unhealthy });
        Assert.That(pool.State, Is.EqualTo(PoolState.Unhealthy));
        pool.OnHealth(b, new HealthStatus { State = HealthState.Healthy });
        pool.OnFlowControl(b, new FlowControlSignal { Action = FlowAction.Pause });
        Assert.That(pool.State, Is.EqualTo(PoolState.Paused));
        await Task.WhenAll(a.DisposeAsync().AsTask(), b.DisposeAsync().AsTask());
    }

    [TestCase(false, 120)]
    [TestCase(true, 240)]
    public async Task Degraded_StretchesTheCallsCeiling(bool isDegraded, int expected)
    {
        var a = new FakeConnection("a");
        await using var pool = await _rig.PoolAsync(a);
        pool.OnHealth(a, new HealthStatus { State = isDegraded ? HealthState.Degraded : HealthState.Healthy, TimeoutMultiplier = 2 });
        var seen = 0L;
        a.AnswerLater = (_, deadline) =>
        {
            seen = deadline;
            return Task.FromResult(CallResult.Answered(AgentResponse.Allow));
        };
        await AskAsync(pool, 1);
        Assert.That(seen, Is.EqualTo(_rig.In(expected)));
        await a.DisposeAsync();
    }

    private ConnectionPool Pool(ScriptedDialer dialer) => new(
        PoolTests.Settings(1) with { DrainTimeout = TimeSpan.Zero, Queue = 10, QueueWait = TimeSpan.FromSeconds(1) },
        dialer, new FillThenSpread(), new Random(1), _rig.Clock, _rig.Log);

    private Task<AgentReply> AskAsync(ConnectionPool pool, int exchange) =>
        _rig.AskAsync(_rig.Session(pool, exchange: exchange), TestEvents.Headers(exchange));
}
