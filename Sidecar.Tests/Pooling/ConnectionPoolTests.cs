using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

/// <summary>The pool with connections in memory and a clock that stands still.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ConnectionPoolTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger _log = new();
    private int _keepers;

    [Test]
    public async Task MessageBeforeTheConnectionIsRegistered_IsNotLost()
    {
        var paused = new FakeConnection("a")
        {
            Greeting = static (sink, connection) =>
            {
                sink.OnHealth(connection, new HealthStatus { State = HealthState.Draining });
                sink.OnFlowControl(connection, new FlowControlSignal { Action = FlowAction.Pause });
            },
        };
        await using var pool = await StartedAsync(paused);
        Assert.That((pool.Live[0].IsPaused, pool.Live[0].Health), Is.EqualTo((true, HealthState.Draining)));
        Assert.That(pool.Select(null, out var reason), Is.Null);
        Assert.That(reason.Outcome, Is.EqualTo(CallOutcome.Unwell));
    }

    [Test]
    public async Task PausedAndDraining_AreNotSelectedAndComeBack()
    {
        var connections = new[] { new FakeConnection("a"), new FakeConnection("b") };
        await using var pool = await StartedAsync(connections);
        var first = pool.Select(null, out _)!.Connection;
        var second = connections.Single(connection => connection != first);
        pool.OnFlowControl(first, new FlowControlSignal { Action = FlowAction.Pause });
        Assert.That(pool.Select(null, out _)!.Connection, Is.SameAs(second));
        pool.OnHealth(second, new HealthStatus { State = HealthState.Unhealthy });
        Assert.That(pool.Select(null, out _), Is.Null);
        Assert.That(pool.IsAvailable, Is.False);
        pool.OnFlowControl(first, new FlowControlSignal { Action = FlowAction.Resume });
        Assert.That(pool.Select(null, out _)!.Connection, Is.SameAs(first));
        pool.OnHealth(second, new HealthStatus { State = HealthState.Healthy });
        Assert.That(pool.Select(pool.Live.Single(live => live.Connection == first), out _)!.Connection, Is.SameAs(second));
    }

    [Test]
    public async Task PauseOfOneExchange_DoesNotPauseTheConnection()
    {
        var only = new FakeConnection("a");
        await using var pool = await StartedAsync(only);
        pool.OnFlowControl(only, new FlowControlSignal { Action = FlowAction.Pause, CorrelationId = TestEvents.Id(1) });
        pool.OnFlowControl(only, new FlowControlSignal { Action = FlowAction.UpdateCapacity, BufferAvailable = 1 });
        Assert.That(pool.Select(null, out _), Is.Not.Null);
    }

    [Test]
    public async Task AllSlotsOwed_TheConnectionIsReplaced()
    {
        var stuck = new FakeConnection("a");
        await using var pool = await StartedAsync(stuck, new FakeConnection("b"));
        foreach (var live in pool.Live.Where(live => live.Connection != stuck))
        {
            ((FakeConnection)live.Connection).InFlight = 4;
        }

        (stuck.InFlight, stuck.Owed) = (4, 4);
        Assert.That(pool.Select(null, out var reason), Is.Null);
        Assert.That(reason.Outcome, Is.EqualTo(CallOutcome.NoRoom));
        Assert.That(await stuck.Ended, Does.Contain("owed"));
    }

    [Test]
    public async Task AllSlotsOwed_OthersHaveRoom_ItIsReplacedAtTheNextLook()
    {
        var stuck = new FakeConnection("a") { InFlight = 4, Owed = 4 };
        await using var pool = await StartedAsync(stuck, new FakeConnection("b"));
        await TickAsync();
        Assert.That(await stuck.Ended.WaitAsync(ScriptedAgent.Limit, TimeProvider.System), Does.Contain("owed"));
    }

    [Test]
    public async Task UnhealthyForGood_IsReplaced()
    {
        var sick = new FakeConnection("a");
        await using var pool = await StartedAsync(sick);
        pool.OnHealth(sick, new HealthStatus { State = HealthState.Unhealthy, Recoverable = false, UnhealthyReason = "out of memory" });
        Assert.That(await sick.Ended, Does.Contain("out of memory"));
    }

    [Test]
    public async Task IdleConnection_IsPingedAndReplacedAfterThreeSilentIntervals()
    {
        var silent = new FakeConnection("a");
        await using var pool = await StartedAsync(silent);
        silent.SilentFor = TimeSpan.FromSeconds(9);
        await TickAsync();
        Assert.That(silent.Pings, Is.Zero, "it was heard of within the interval");
        silent.SilentFor = TimeSpan.FromSeconds(29);
        await TickAsync();
        await Eventually.TrueAsync(() => silent.Pings == 1, ScriptedAgent.Limit, "a ping");
        silent.SilentFor = TimeSpan.FromSeconds(30);
        silent.InFlight = 1;
        await TickAsync();
        Assert.That(silent.IsOpen, Is.True, "a call waits: the agent may be busy with it");
        silent.Owed = 1;
        await TickAsync();
        Assert.That(await silent.Ended.WaitAsync(ScriptedAgent.Limit, TimeProvider.System), Does.Contain("no sign of life"));
    }

    [Test]
    public async Task EndedConnections_LeaveNoTimers()
    {
        var dialer = new ScriptedDialer(number => new FakeConnection($"c{number}"), _clock);
        await using var pool = Pool(dialer, connections: 1);
        pool.Start();
        for (var round = 1; round <= 20; round++)
        {
            await _clock.StepUntilAsync(TimeSpan.FromMilliseconds(200), () => pool.Live.Count == 1, "a connection");
            pool.Live[0].Connection.Abort("round over");
            await Eventually.TrueAsync(() => pool.Live.Count == 0, ScriptedAgent.Limit, "its removal");
        }

        await _clock.StepUntilAsync(TimeSpan.FromMilliseconds(200), () => pool.Live.Count == 1, "the last connection");
        await Eventually.TrueAsync(() => _clock.ActiveTimers == 1, ScriptedAgent.Limit, "the timer of its watch to be the only one");
        Assert.That(_clock.ArmedTimers, Is.EqualTo(1));
    }

    [Test]
    public async Task Dispose_WaitsForWaitingCallsButNotForOwedOnes()
    {
        var busy = new FakeConnection("a") { InFlight = 3, Owed = 2 };
        var pool = await StartedAsync(TimeSpan.FromSeconds(30), busy);
        var disposing = pool.DisposeAsync().AsTask();
        for (var second = 0; second < 5; second++)
        {
            await Eventually.TrueAsync(() => _clock.ArmedTimers == 2, ScriptedAgent.Limit, "the drain to wait");
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.That(disposing.IsCompleted, Is.False);
        Assert.That(busy.IsOpen, Is.True);
        Assert.That(pool.Select(null, out _), Is.Null, "nothing new while it drains");
        busy.InFlight = 2;
        await _clock.StepUntilAsync(TimeSpan.FromMilliseconds(20), () => disposing.IsCompleted, "the end");
        await disposing;
        Assert.That(busy.IsOpen, Is.False);
        await NoTimerIsLeftAsync();
        Assert.That(_log.Collector.GetSnapshot().Select(entry => entry.Id.Id), Has.None.EqualTo(1106));
    }

    [Test]
    public async Task Dispose_ClosesAtTheDrainTimeoutWhateverWaits()
    {
        var busy = new FakeConnection("a") { InFlight = 3 };
        var pool = await StartedAsync(TimeSpan.FromSeconds(30), busy);
        var disposing = pool.DisposeAsync().AsTask();
        await _clock.StepUntilAsync(TimeSpan.FromSeconds(5), () => disposing.IsCompleted, "the end");
        await disposing;
        await pool.DisposeAsync();
        Assert.That(busy.IsOpen, Is.False);
        await NoTimerIsLeftAsync();
        Assert.That(_log.Collector.GetSnapshot().Single(entry => entry.Id.Id == 1106).Message, Does.Contain("3 calls"));
    }

    [Test]
    public void NeverStarted_IsDisposedWithoutAWait() =>
        Assert.That(Pool(new ScriptedDialer(_ => null, _clock), 4).DisposeAsync().AsTask().IsCompleted, Is.True);

    private ConnectionPool Pool(IAgentDialer dialer, int connections, TimeSpan drain = default) =>
        new(PoolTests.Settings(connections) with { DrainTimeout = drain }, dialer, new FillThenSpread(), new Random(1), _clock, _log);

    private Task<ConnectionPool> StartedAsync(params FakeConnection[] connections) => StartedAsync(TimeSpan.Zero, connections);

    private async Task<ConnectionPool> StartedAsync(TimeSpan drain, params FakeConnection[] connections)
    {
        var dialer = new ScriptedDialer(number => number <= connections.Length ? connections[number - 1] : null, _clock);
        var pool = Pool(dialer, connections.Length, drain);
        _keepers = connections.Length;
        pool.Start();
        await Eventually.TrueAsync(
            () => pool.Live.Count == connections.Length && _clock.ArmedTimers == connections.Length, ScriptedAgent.Limit, "all connections and their watches");
        return pool;
    }

    // A wait ends before its timer is disposed of.
    private Task NoTimerIsLeftAsync() => Eventually.TrueAsync(() => _clock.ActiveTimers == 0, ScriptedAgent.Limit, "no timer to be left");

    // One look of every watch, and the watches set again: each connection has one, or its keeper the pause before the next dial.
    private async Task TickAsync()
    {
        _clock.Advance(TimeSpan.FromSeconds(10));
        await Eventually.TrueAsync(() => _clock.ArmedTimers == _keepers, ScriptedAgent.Limit, "the watches to sleep again");
    }
}
