using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Agents;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

/// <summary>Clients' sessions keep to a connection (spec §9.4), never to a dead one, and their table is bounded.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class StickySessionsTests : IAsyncDisposable
{
    private static readonly StickyKey Key = StickyKey.Of("cookie:sid", "one");
    private static readonly PoolSettings Settings = PoolTests.Settings(2) with { StickyTimeout = TimeSpan.FromMinutes(5) };

    private readonly SessionRig _rig = new();
    private readonly FakeConnection _a = new("a");
    private readonly FakeConnection _b = new("b");
    private int _exchange;

    public async ValueTask DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Test]
    public async Task ExchangesOfASession_GoToOneConnection_OthersAreFree()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a, _b);
        var first = await AskAsync(pool, Key);
        // Free choice would now take the other one.
        first.InFlight = 3;
        for (var i = 0; i < 5; i++)
        {
            Assert.That(await AskAsync(pool, Key), Is.SameAs(first));
        }

        var settled = new HashSet<FakeConnection>();
        for (var i = 0; i < 3; i++)
        {
            first.InFlight = 4;
            settled.Add(await AskAsync(pool, StickyKey.Of("cookie:sid", $"other {i}")));
        }

        Assert.That(settled, Is.EqualTo(new[] { first == _a ? _b : _a }));
        first.InFlight = 0;
        Assert.That(pool.Sticky.Count, Is.EqualTo(4));
    }

    [Test]
    public async Task Session_ExpiresUnused_ToTheTick_AndEveryEventRefreshesIt()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a, _b);
        var session = Session(pool, Key);
        await _rig.AskAsync(session, TestEvents.Headers(_exchange));
        _rig.Clock.Advance(TimeSpan.FromMinutes(4));
        await _rig.AskAsync(session, TestEvents.Chunk(_exchange));
        _rig.Clock.AdvanceTicks(TimeSpan.FromMinutes(5).Ticks - 1);
        pool.Sticky.Sweep();
        Assert.That(pool.Sticky.Count, Is.EqualTo(1));
        Assert.That(pool.Sticky.List().Single().Idle, Is.EqualTo(TimeSpan.FromMinutes(5)).Within(TimeSpan.FromMicroseconds(1)));
        _rig.Clock.AdvanceTicks(1);
        pool.Sticky.Sweep();
        Assert.That((pool.Sticky.Count, pool.Sticky.Expired), Is.EqualTo((0, 1)));
    }

    [Test]
    public void WithoutATimeout_NothingExpires()
    {
        var sessions = new StickySessions(TimeSpan.MaxValue, 10, _rig.Clock);
        sessions.Use(Key, new PooledConnection(_a, _rig.Clock));
        _rig.Clock.Advance(TimeSpan.FromDays(1000));
        sessions.Sweep();
        Assert.That(sessions.Count, Is.EqualTo(1));
    }

    [Test]
    public async Task Defect27_ConnectionDies_TheSessionMovesOnce_AndStaysThere()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a, _b);
        var first = await AskAsync(pool, Key);
        var other = first == _a ? _b : _a;
        first.Abort("crash");
        Assert.That(await AskAsync(pool, Key), Is.SameAs(other));
        Assert.That(await AskAsync(pool, Key), Is.SameAs(other));
        Assert.That((pool.Sticky.Moved, pool.Sticky.Count), Is.EqualTo((1, 1)));
        Assert.That(pool.Sticky.List().Single().Connection, Is.EqualTo(other.Id));
    }

    [Test]
    public async Task ConnectionPauses_ExchangesGoElsewhere_AndTheSessionComesBack()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a, _b);
        var first = await AskAsync(pool, Key);
        pool.OnFlowControl(first, new FlowControlSignal { Action = FlowAction.Pause });
        Assert.That(await AskAsync(pool, Key), Is.Not.SameAs(first));
        pool.OnFlowControl(first, new FlowControlSignal { Action = FlowAction.Resume });
        Assert.That(await AskAsync(pool, Key), Is.SameAs(first));
        Assert.That(pool.Sticky.Moved, Is.Zero);
    }

    [Test]
    public async Task ConnectionFull_TheExchangeWaitsForIt()
    {
        await using var pool = await _rig.PoolAsync(Settings with { Queue = 4, QueueWait = TimeSpan.FromMilliseconds(10) }, _a, _b);
        var first = await AskAsync(pool, Key);
        first.InFlight = 4;
        var waiting = AskAsync(pool, Key);
        Assert.That(waiting.IsCompleted, Is.False);
        first.InFlight = 3;
        pool.OnSlotFreed(first);
        Assert.That(await waiting.WaitAsync(ScriptedAgent.Limit, TimeProvider.System), Is.SameAs(first));
        first.InFlight = 0;
    }

    [Test]
    public async Task HeadersLostWithTheSessionsConnection_AreAskedAgainOnAnother_AndTheSessionIsThere()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a, _b);
        var first = await AskAsync(pool, Key);
        var other = first == _a ? _b : _a;
        first.Answer = _ =>
        {
            first.Abort("crash");
            return CallResult.Failed(CallOutcome.ConnectionLost, "died");
        };
        var session = Session(pool, Key);
        var headers = TestEvents.Headers(_exchange);
        var reply = await _rig.AskAsync(session, headers);
        Assert.That((reply.IsAnswered, reply.IsRetry), Is.EqualTo((true, true)));
        Assert.That((pool.Sticky.List().Single().Connection, pool.Sticky.Moved), Is.EqualTo((other.Id, 1)));
    }

    [Test]
    public void Defect27_Table_IsBounded_TheOneUsedLongestAgoMakesRoom()
    {
        var sessions = new StickySessions(TimeSpan.FromMinutes(5), 3, _rig.Clock);
        var connection = new PooledConnection(_a, _rig.Clock);
        var keys = Enumerable.Range(0, 4).Select(static i => StickyKey.Of("header:x", $"{i}")).ToArray();
        foreach (var i in new[] { 0, 1, 2, 0, 3 })
        {
            sessions.Use(keys[i], connection);
        }

        Assert.That(sessions.List().Select(static session => session.Key), Is.EqualTo(new[] { keys[3], keys[0], keys[2] }));
        Assert.That((sessions.Find(keys[1]), sessions.Evicted), Is.EqualTo((default(PooledConnection), 1)));
    }

    [Test]
    public async Task Sessions_CanBeListedAndCleared()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a, _b);
        var first = await AskAsync(pool, Key);
        var listed = pool.Sticky.List().Single();
        Assert.That((listed.Key, listed.Connection, listed.Idle), Is.EqualTo((Key, first.Id, TimeSpan.Zero)));
        Assert.That(StickyKey.TryParse(listed.Key.ToString(), out var parsed), Is.True);
        Assert.That((pool.Sticky.Clear(parsed), pool.Sticky.Clear(parsed), pool.Sticky.Count), Is.EqualTo((true, false, 0)));
        await AskAsync(pool, Key);
        await AskAsync(pool, StickyKey.Of("cookie:sid", "two"));
        Assert.That((pool.Sticky.Clear(), pool.Sticky.Count), Is.EqualTo((2, 0)));
    }

    [Test]
    public void Keys_TellSourcesApart_AndTakeAnyLength()
    {
        Assert.That(StickyKey.Of("cookie:a", "x"), Is.Not.EqualTo(StickyKey.Of("cookie:b", "x")));
        Assert.That(StickyKey.Of("session", "x"), Is.Not.EqualTo(StickyKey.Of("session", "y")));
        var text = new string('x', 100_000);
        var key = StickyKey.Of("session", text);
        Assert.That(StickyKey.Of("session", new string(text)), Is.EqualTo(key));
        Assert.That(StickyKey.Of("session", text + "x"), Is.Not.EqualTo(key));
    }

    [TestCase(null)]
    [TestCase("")]
    [TestCase("12")]
    [TestCase("zz000000000000000000000000000000")]
    [TestCase("000000000000000000000000000000000")]
    public void BadKey_IsNoKey(string? text) => Assert.That(StickyKey.TryParse(text, out _), Is.False);

    private Daemon.Agents.AgentSession Session(ConnectionPool pool, StickyKey key)
    {
        var session = _rig.Session(pool, exchange: ++_exchange);
        session.Choose(key);
        return session;
    }

    // A new exchange of the session; the connection that was asked.
    private async Task<FakeConnection> AskAsync(ConnectionPool pool, StickyKey key)
    {
        var session = Session(pool, key);
        var id = TestEvents.Id(_exchange);
        var result = await _rig.AskAsync(session, TestEvents.Headers(_exchange));
        Assert.That(result.IsAnswered, Is.True, result.Detail);
        return _a.Asked.Any(asked => asked.CorrelationId == id) ? _a : _b;
    }
}
