using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Agents;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Contract.Connections;

/// <summary>A pool and its sessions over every kind of connection: nothing above the connections knows which it is.</summary>
[TestFixtureSource(typeof(ConnectionKind), nameof(ConnectionKind.All))]
internal sealed class PoolContractTests(ConnectionKind kind)
{
    private const int Limit = 3;

    private static readonly TimeSpan HeaderTimeout = TimeSpan.FromMilliseconds(120);

    private SessionRig _rig = null!;
    private ContractDialer _dialer = null!;
    private ConnectionPool _pool = null!;

    [SetUp]
    public void Prepare()
    {
        _rig = new SessionRig();
        _dialer = new ContractDialer(kind, _rig.Clock, Limit);
    }

    [TearDown]
    public async Task NothingIsLeftAsync()
    {
        var closing = _pool.CloseAsync(TimeSpan.Zero, CancellationToken.None);
        await UntilAsync(() => closing.IsCompleted, "the close");
        await closing;
        await _pool.DisposeAsync();
        Assert.That(_dialer.Peers.Select(static peer => peer.Connection.IsOpen), Is.All.False);
        Assert.That(_dialer.Peers.Select(static peer => peer.Connection.Stats.InFlight), Is.All.Zero);
        Assert.That((_pool.Admission.Running, _pool.Admission.Waiting, _pool.InFlight), Is.EqualTo((0, 0, 0)));
        await _dialer.DisposeAsync();
        Assert.That(_rig.Clock.ActiveTimers, Is.Zero, "timers that outlive the pool");
    }

    [Test]
    public async Task ExchangesShareTheConnections_UpToTheirLimits()
    {
        await StartAsync(2);
        var most = 2 * kind.Limit(Limit);
        var sessions = Enumerable.Range(1, most + 1).Select(i => _rig.Session(_pool, exchange: i)).ToList();
        var asked = sessions.Select((session, i) => _rig.AskAsync(session, TestEvents.Headers(i + 1))).ToList();
        var refused = await asked[most];
        Assert.That((refused.Outcome, _pool.InFlight), Is.EqualTo((CallOutcome.NoRoom, most)));
        foreach (var peer in _dialer.Peers)
        {
            for (var i = 0; i < kind.Limit(Limit); i++)
            {
                await peer.AnswerAsync(await peer.ReceiveAsync());
            }
        }

        Assert.That((await Task.WhenAll(asked.Take(most))).Select(static result => result.IsAnswered), Is.All.True);
    }

    [Test]
    public async Task HeadersWhoseConnectionDies_AreAskedOnceMore_AndBothLetGoOfTheExchange()
    {
        await StartAsync(2);
        var session = _rig.Session(_pool);
        var headers = TestEvents.Headers(1);
        var asking = session.AskAsync(headers, _rig.In(1000)).AsTask();
        var first = _dialer.Of(_pool.Live.Single(static pooled => pooled.Connection.Stats.InFlight > 0).Connection);
        await first.ReceiveAsync();
        first.Die();
        await UntilAsync(() => _pool.Live.Any(pooled => pooled.Connection.Stats.InFlight > 0 && _dialer.Of(pooled.Connection) != first), "the second time");
        var second = _dialer.Of(_pool.Live.First(pooled => pooled.Connection.Stats.InFlight > 0 && _dialer.Of(pooled.Connection) != first).Connection);
        await first.ReleasedAsync(headers.CorrelationId);
        await second.AnswerAsync(await second.ReceiveAsync());
        var reply = await asking;
        Assert.That((reply.IsAnswered, reply.IsRetry), Is.EqualTo((true, true)));
        session.Release();
        await second.ReleasedAsync(headers.CorrelationId);
        await UntilAsync(() => _pool.Live.Count == 2, "the dead one to be replaced");
    }

    [Test]
    public async Task LaterEvents_StayOnTheConnection_AndAreLostWithIt()
    {
        await StartAsync(2);
        var session = _rig.Session(_pool);
        var headers = _rig.AskAsync(session, TestEvents.Headers(1));
        var peer = _dialer.Of(_pool.Live.Single(static pooled => pooled.Connection.Stats.InFlight > 0).Connection);
        await peer.AnswerAsync(await peer.ReceiveAsync());
        await headers;
        var body = _rig.AskAsync(session, TestEvents.Chunk(1));
        await peer.ReceiveAsync();
        peer.Die();
        Assert.That((await body).Outcome, Is.EqualTo(CallOutcome.ConnectionLost));
        Assert.That(_dialer.Peers.Sum(static other => other.Waiting), Is.Zero, "no other was told");
        session.Release();
        await peer.ReleasedAsync(TestEvents.Id(1));
    }

    [Test]
    public async Task Drain_WaitsForTheCallUnderWay_AndTakesNothingNew()
    {
        await StartAsync(1);
        var asking = _rig.AskAsync(_rig.Session(_pool), TestEvents.Headers(1));
        var seen = await Peer.ReceiveAsync();
        var closing = _pool.CloseAsync(TimeSpan.FromSeconds(30), CancellationToken.None);
        Assert.That(_pool.Select(null, out var reason), Is.Null);
        Assert.That((reason.Outcome, closing.IsCompleted), Is.EqualTo((CallOutcome.ShutDown, false)));
        await Peer.AnswerAsync(seen);
        Assert.That((await asking).IsAnswered, Is.True);
        await UntilAsync(() => closing.IsCompleted, "the drain");
    }

    [Test]
    public async Task DrainTimeIsUp_TheCallIsWithdrawn()
    {
        await StartAsync(1);
        var asking = _rig.AskAsync(_rig.Session(_pool), TestEvents.Headers(1));
        await Peer.ReceiveAsync();
        var closing = _pool.CloseAsync(TimeSpan.FromMilliseconds(50), CancellationToken.None);
        await UntilAsync(() => asking.IsCompleted, "the end of the call", TimeSpan.FromMilliseconds(10));
        Assert.That((await asking).Outcome, Is.EqualTo(CallOutcome.ShutDown));
        await UntilAsync(() => closing.IsCompleted, "the close");
    }

    [Test]
    public async Task FailuresInARow_EjectTheConnection()
    {
        await StartAsync(1);
        var pooled = _pool.Live[0];
        for (var i = 1; i <= PooledConnection.MaxErrors; i++)
        {
            Assert.That((pooled.Errors, pooled.TakesNew), Is.EqualTo((i - 1, true)));
            await TimeOutAsync(i);
        }

        Assert.That((pooled.IsEjected, pooled.TakesNew), Is.EqualTo((true, false)));
        Assert.That((await _rig.AskAsync(_rig.Session(_pool, exchange: 9), TestEvents.Headers(9))).Outcome, Is.EqualTo(CallOutcome.Ejected));
        if (!kind.HasPings)
        {
            await UntilAsync(() => pooled.TakesNew, "its time to have passed: there is no ping to prove that it lives", TimeSpan.FromSeconds(1));
        }
    }

    [Test]
    public async Task FailuresInARow_OpenTheBreaker()
    {
        await StartAsync(1, BreakerSettings.Off with { Consecutive = 2 });
        await TimeOutAsync(1);
        Assert.That(_pool.Admission.Breaker.State, Is.EqualTo(BreakerState.Closed));
        await TimeOutAsync(2);
        Assert.That(_pool.Admission.Breaker.State, Is.EqualTo(BreakerState.Open));
        Assert.That((await _rig.AskAsync(_rig.Session(_pool, exchange: 9), TestEvents.Headers(9))).Outcome, Is.EqualTo(CallOutcome.BreakerOpen));
        Assert.That(Peer.Waiting, Is.Zero);
    }

    [Test]
    public async Task SlotsOfAnswersThatNeverCome_ReplaceTheConnection_WhereTheyAreOwed()
    {
        await StartAsync(1);
        var asking = Enumerable.Range(1, kind.Limit(Limit)).Select(i => _rig.AskAsync(_rig.Session(_pool, exchange: i), TestEvents.Headers(i))).ToList();
        foreach (var _ in asking)
        {
            await Peer.ReceiveAsync();
        }

        _rig.Clock.Advance(HeaderTimeout);
        Assert.That((await Task.WhenAll(asking)).Select(static result => result.Outcome), Is.All.EqualTo(CallOutcome.TimedOut));
        Assert.That(_pool.InFlight, Is.EqualTo(kind.OwesAnswers ? asking.Count : 0));
        if (kind.OwesAnswers)
        {
            _pool.Select(null, out var _);
            Assert.That(await _dialer.Peers[0].Connection.Ended.WaitAsync(ScriptedAgent.Limit, TimeProvider.System), Does.Contain("owed"));
            await UntilAsync(() => _dialer.Peers.Count == 2 && _pool.Live.Count == 1, "another connection");
        }
    }

    [Test]
    public async Task Silence_IsDeathWhereThereArePings_AndNothingElsewhere()
    {
        await StartAsync(1);
        _dialer.Peers[0].SkipsCancels = true;
        for (var second = 0; second < 45; second++)
        {
            _rig.Clock.Advance(TimeSpan.FromSeconds(1));
            await Eventually.TrueAsync(() => _rig.Clock.ArmedTimers > 0, ScriptedAgent.Limit, "the pool to look again");
        }

        if (kind.HasPings)
        {
            Assert.That(await _dialer.Peers[0].Connection.Ended.WaitAsync(ScriptedAgent.Limit, TimeProvider.System), Does.Contain("no sign of life"));
        }
        else
        {
            Assert.That((_dialer.Peers[0].Connection.IsOpen, _dialer.Peers.Count), Is.EqualTo((true, 1)));
        }
    }

    private IContractPeer Peer => _dialer.Peers[0];

    private async Task StartAsync(int connections, BreakerSettings? breaker = null)
    {
        var settings = PoolTests.Settings(connections) with { Breaker = breaker ?? BreakerSettings.Off };
        _pool = new ConnectionPool(settings, _dialer, new FillThenSpread(), new Random(1), _rig.Clock, _rig.Log);
        _pool.Start();
        await Eventually.TrueAsync(() => _pool.Live.Count == connections, ScriptedAgent.Limit, "all connections");
    }

    // One exchange whose headers are answered too late, so that no slot stays taken.
    private async Task TimeOutAsync(int exchange)
    {
        Peer.SkipsCancels = true;
        var asking = _rig.AskAsync(_rig.Session(_pool, exchange: exchange), TestEvents.Headers(exchange));
        var seen = await Peer.ReceiveAsync();
        _rig.Clock.Advance(HeaderTimeout);
        Assert.That((await asking).Outcome, Is.EqualTo(CallOutcome.TimedOut));
        await Peer.AnswerAsync(seen);
        await Eventually.TrueAsync(() => _pool.InFlight == 0, ScriptedAgent.Limit, "the late answer");
        if (kind.HasCancels)
        {
            await Peer.CancelledAsync(seen, CancelReason.Timeout);
        }
    }

    // Lets time pass until it is so: pauses and drains wait for the clock, which stands still otherwise.
    private Task UntilAsync(Func<bool> condition, string what, TimeSpan? step = null) => Eventually.TrueAsync(
        () =>
        {
            _rig.Clock.Advance(condition() ? TimeSpan.Zero : step ?? TimeSpan.FromMilliseconds(50));
            return condition();
        },
        ScriptedAgent.Limit, what);
}
