using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Agents;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

/// <summary>A pool whose settings change while it is used: it follows, and keeps every connection that need not go.</summary>
public sealed class PoolFollowTests
{
    private readonly SessionRig _rig = new();

    [Test]
    public async Task MoreConnections_AreDialled_AndThoseThatAreThereStay()
    {
        await using var pool = Pool(out var made, connections: 2);
        await OpenAsync(pool, 2);
        var before = pool.Live.ToList();

        pool.Follow(Settings(4), null);
        await OpenAsync(pool, 4);
        Assert.That(pool.Live, Is.SupersetOf(before));
        Assert.That(made, Has.Count.EqualTo(4), "none was dialled twice");
    }

    [Test]
    public async Task FewerConnections_GoWhenNoExchangeNeedsThem_TheLastFirst()
    {
        await using var pool = Pool(out _, connections: 3);
        await OpenAsync(pool, 3);
        pool.Follow(Settings(1) with { DrainTimeout = TimeSpan.FromSeconds(5) }, null);
        await Eventually.TrueAsync(() => pool.Live.Count(static pooled => pooled.IsRetiring) == 2, ScriptedAgent.Limit, "two that retire");
        Assert.That(pool.Live, Has.Count.EqualTo(3), "exchanges may still have them");

        var kept = pool.Live.Single(static pooled => !pooled.IsRetiring);
        await Eventually.TrueAsync(_rig.Clock, TimeSpan.FromSeconds(1), () => pool.Live.Count == 1, "their end");
        Assert.That((pool.Live[0], kept.Connection.IsOpen), Is.EqualTo((kept, true)));

        pool.Follow(Settings(2), null);
        await OpenAsync(pool, 2);
        Assert.That(pool.Live, Does.Contain(kept));
    }

    [Test]
    public async Task AConnectionThatIsOneTooMany_StaysForTheExchangeThatHasIt_HoweverLong()
    {
        await using var pool = Pool(out var made, connections: 2);
        await OpenAsync(pool, 2);
        AgentSession[] sessions = [_rig.Session(pool, exchange: 1), _rig.Session(pool, exchange: 2)];
        await _rig.AskAsync(sessions[0], TestEvents.Headers(1));
        made.Single(static connection => connection.Asked.Count == 1).InFlight = 4;
        await _rig.AskAsync(sessions[1], TestEvents.Headers(2));
        Assert.That(pool.Live.Select(static pooled => pooled.Exchanges), Is.All.EqualTo(1));

        made.ForEach(static connection => connection.InFlight = 0);
        pool.Follow(Settings(1) with { DrainTimeout = TimeSpan.FromSeconds(5) }, null);
        await Eventually.TrueAsync(() => pool.Live.Any(static pooled => pooled.IsRetiring), ScriptedAgent.Limit, "one that retires");
        for (var second = 0; second < 60; second++)
        {
            _rig.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.That(pool.Live, Has.Count.EqualTo(2));
        Array.ForEach(sessions, static session => session.Release());
        await Eventually.TrueAsync(_rig.Clock, TimeSpan.FromSeconds(1), () => pool.Live.Count == 1, "its end");
    }

    [Test]
    public async Task ADialThatIsOneTooMany_IsGivenUp()
    {
        var dialer = new PatientDialer();
        await using var pool = new ConnectionPool(
            Settings(3) with { DrainTimeout = TimeSpan.Zero }, dialer, new FillThenSpread(), new Random(1), _rig.Clock, new FakeLogger());
        pool.Start();
        await Eventually.TrueAsync(() => dialer.Waiting == 3, ScriptedAgent.Limit, "three dials");
        pool.Follow(Settings(1) with { DrainTimeout = TimeSpan.Zero }, null);
        await Eventually.TrueAsync(() => dialer.Waiting == 1, ScriptedAgent.Limit, "the end of two");
        Assert.That((pool.Live.Count, pool.State), Is.EqualTo((0, PoolState.Pending)), "what was given up is no failure of the agent");
    }

    [Test]
    public async Task ARaisedLimit_LetsThroughWhoWaitsForIt()
    {
        var answer = new TaskCompletionSource<CallResult>();
        var connection = new FakeConnection("a", maxInFlight: 10) { AnswerLater = (_, _) => answer.Task };
        var one = Settings(1) with { MaxCalls = 1, Queue = 1, QueueWait = TimeSpan.FromMinutes(1) };
        await using var pool = await _rig.PoolAsync(one, connection);
        var first = _rig.Session(pool, exchange: 1).AskAsync(TestEvents.Headers(1), _rig.In(100_000));
        var second = _rig.Session(pool, exchange: 2).AskAsync(TestEvents.Headers(2), _rig.In(100_000)).AsTask();
        Assert.That((pool.Admission.Waiting, connection.Asked.Count), Is.EqualTo((1, 1)));

        pool.Follow(one with { MaxCalls = 2, DrainTimeout = TimeSpan.Zero }, null);
        await Eventually.TrueAsync(() => connection.Asked.Count == 2, ScriptedAgent.Limit, "the call that waited");
        Assert.That((first.IsCompleted, second.IsCompleted), Is.EqualTo((false, false)));
        answer.SetResult(CallResult.Answered(AgentResponse.Allow));
        await Task.WhenAll(first.AsTask(), second).WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
    }

    [Test]
    public async Task Breaker_Sessions_AndTheWayOfChoosing_FollowToo()
    {
        await using var pool = await _rig.PoolAsync(Settings(1) with { StickySessions = 10 }, new FakeConnection("a"));
        foreach (var number in Enumerable.Range(0, 10))
        {
            pool.Sticky.Use(StickyKey.Of("header:x", $"{number}"), pool.Live[0]);
        }

        var strict = BreakerSettings.Off with { Consecutive = 1 };
        pool.Follow(Settings(1) with { StickySessions = 3, Breaker = strict, DrainTimeout = TimeSpan.Zero }, new RoundRobin());
        pool.Admission.Breaker.Report(0, CallVerdict.Failure);
        Assert.That((pool.Sticky.Count, pool.Sticky.Evicted, pool.Admission.Breaker.State, pool.Strategy), Is.EqualTo((3, 7, BreakerState.Open, "round-robin")));
    }

    [Test]
    public async Task ABreakerThatIsTurnedOff_Closes()
    {
        var strict = Settings(1) with { Breaker = BreakerSettings.Off with { Consecutive = 1 }, DrainTimeout = TimeSpan.Zero };
        await using var pool = await _rig.PoolAsync(strict, new FakeConnection("a"));
        pool.Admission.Breaker.Report(0, CallVerdict.Failure);
        Assert.That(pool.Admission.Breaker.State, Is.EqualTo(BreakerState.Open));
        pool.Follow(strict with { Breaker = BreakerSettings.Off }, null);
        Assert.That(pool.Admission.Breaker.State, Is.EqualTo(BreakerState.Closed));
    }

    [Test]
    public async Task AClosedPool_FollowsNothing()
    {
        var pool = Pool(out var made, connections: 1);
        await OpenAsync(pool, 1);
        await pool.CloseAsync(TimeSpan.Zero, CancellationToken.None);
        pool.Follow(Settings(4), null);
        Assert.That((made.Count, pool.Live.Count), Is.EqualTo((1, 0)));
    }

    private static PoolSettings Settings(int connections) => PoolTests.Settings(connections) with { HealthInterval = TimeSpan.FromDays(1) };

    private static Task OpenAsync(ConnectionPool pool, int connections) =>
        Eventually.TrueAsync(() => pool.Live.Count == connections, ScriptedAgent.Limit, $"{connections} connections");

    private ConnectionPool Pool(out List<FakeConnection> made, int connections)
    {
        var all = made = [];
        var dialer = new ScriptedDialer(
            number =>
            {
                lock (all)
                {
                    all.Add(new FakeConnection($"{number}"));
                    return all[^1];
                }
            },
            _rig.Clock);
        var pool = new ConnectionPool(
            Settings(connections) with { DrainTimeout = TimeSpan.Zero }, dialer, new FillThenSpread(), new Random(1), _rig.Clock, new FakeLogger());
        pool.Start();
        return pool;
    }

    // As for an agent that dials in: whoever has waited longest gets the next that comes.
    private sealed class PatientDialer : IAgentDialer
    {
        private int _waiting;

        public int Waiting => Volatile.Read(ref _waiting);

        public string Endpoint => "nowhere";

        public async Task<IAgentConnection> DialAsync(IConnectionSink sink, CancellationToken cancellation)
        {
            Interlocked.Increment(ref _waiting);
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
                throw new AgentUnreachableException("nobody comes", new IOException());
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }
        }
    }
}
