using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Connections;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

/// <summary>The pool with real Unix sockets and real time.</summary>
/// <param name="inOrder">Whether the agent answers one call at a time, in order and without ids (spec §11.3).</param>
[TestFixture(false)]
[TestFixture(true)]
public sealed class PoolTests(bool inOrder)
{
    private FakeLogger _log = null!;
    private TempDirectory _directory = null!;
    private ScriptedAgentListener _listener = null!;

    /// <summary>Settings with short pauses.</summary>
    internal static PoolSettings Settings(int connections) => new()
    {
        AgentId = "waf",
        Connections = connections,
        ReconnectMin = TimeSpan.FromMilliseconds(10),
        ReconnectMax = TimeSpan.FromSeconds(2),
        HealthInterval = TimeSpan.FromSeconds(10),
        DrainTimeout = TimeSpan.FromSeconds(30),
    };

    /// <summary>The same where time is real and a machine may stand still for a while: nothing happens for the sake of time alone.</summary>
    internal static PoolSettings PatientSettings(int connections) =>
        Settings(connections) with { HealthInterval = TimeSpan.FromMinutes(10), UnhealthyAfter = int.MaxValue };

    [SetUp]
    public void Prepare()
    {
        _log = new FakeLogger();
        _directory = new TempDirectory();
        _listener = new ScriptedAgentListener(_directory.Socket("waf.sock")) { OnAccepted = AcceptAsync };
    }

    [TearDown]
    public async Task CleanUpAsync()
    {
        await _listener.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task KeepsItsNumber_ReplacesTheDead_NeverGrows()
    {
        _listener.Start();
        await using var pool = Pool(4);
        pool.Start();
        await Eventually.TrueAsync(() => pool.Live.Count == 4, ScriptedAgent.Limit, "four connections");
        for (var restart = 0; restart < 3; restart++)
        {
            await _listener.StopAsync();
            // A pool that has connections again before it looked was never without.
            await Eventually.TrueAsync(
                () => pool.Live.Count == 0 && _log.Collector.GetSnapshot().Count(static entry => entry.Id.Id == 1101) > restart, ScriptedAgent.Limit, "the dead to be removed and missed");
            _listener.Start();
            await Eventually.TrueAsync(() => pool.Live.Count == 4, ScriptedAgent.Limit, "their replacements");
        }

        Assert.That(pool.Live.Select(live => live.Connection.IsOpen), Is.All.True);
        Assert.That(pool.Live.Select(live => live.Connection.Id).Distinct().Count(), Is.EqualTo(4));
        await Eventually.TrueAsync(() => _log.Collector.GetSnapshot().Count(entry => entry.Id.Id == 1100) == 4, ScriptedAgent.Limit, "four lines: reachable");
        Assert.That(_log.Collector.GetSnapshot().Count(entry => entry.Id.Id == 1101), Is.EqualTo(3), "one line for each time it was gone");
    }

    [Test]
    public async Task Defect19_AgentThatStartsLater_ComesAliveByItself()
    {
        await using var pool = Pool(2);
        pool.Start();
        await _log.Collector.WaitForAsync(entry => entry.Id.Id == 1101, ScriptedAgent.Limit);
        Assert.That(pool.Select(null, out var reason), Is.Null);
        Assert.That(reason.Outcome, Is.EqualTo(CallOutcome.NoConnection));
        _listener.Start();
        await Eventually.TrueAsync(() => pool.Live.Count == 2, ScriptedAgent.Limit, "two connections");
        Assert.That(pool.Traits, Is.Not.Null);
    }

    [Test]
    public async Task OneConnectionDies_OnlyItIsReplaced()
    {
        _listener.Start();
        await using var pool = Pool(2);
        pool.Start();
        await Eventually.TrueAsync(() => pool.Live.Count == 2, ScriptedAgent.Limit, "two connections");
        var agents = new[] { await _listener.NextAsync(), await _listener.NextAsync() };
        var before = pool.Live.Select(live => live.Connection.Id).ToList();
        agents[0].Vanish();
        await Eventually.TrueAsync(
            () => pool.Live.Count == 2 && pool.Live.Count(live => before.Contains(live.Connection.Id)) == 1, ScriptedAgent.Limit, "one to be replaced");
        Assert.That(_log.Collector.GetSnapshot().Select(entry => entry.Id.Id), Has.None.EqualTo(1101));
    }

    [Test]
    public async Task Defect28_Dispose_LetsTheAnswerCome_ThenClosesEverySocket()
    {
        _listener.Start();
        var pool = Pool(2);
        pool.Start();
        await Eventually.TrueAsync(() => pool.Live.Count == 2, ScriptedAgent.Limit, "two connections");
        var agents = new[] { await _listener.NextAsync(), await _listener.NextAsync() };
        var calls = pool.Live.Select((live, i) => live.Connection.CallAsync(TestEvents.Headers(i + 1), long.MaxValue).AsTask()).ToList();
        var asked = await Task.WhenAll(agents.Select(agent => agent.ReceiveEventAsync()));
        var disposing = pool.DisposeAsync().AsTask();
        for (var i = 0; i < agents.Length; i++)
        {
            Assert.That(agents[i].Closed.IsCompleted, Is.False);
            await agents[i].AnswerAsync(asked[i]);
        }

        Assert.That((await Task.WhenAll(calls)).Select(result => result.IsAnswered), Is.All.True);
        await disposing.WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        await Task.WhenAll(agents.Select(agent => agent.Closed));
    }

    [Test]
    public async Task Defect28_Dispose_CancelsWhatIsLeftAfterTheDrain_AndSaysWhy()
    {
        _listener.Start();
        var pool = Pool(1, TimeSpan.Zero);
        pool.Start();
        await Eventually.TrueAsync(() => pool.Live.Count == 1, ScriptedAgent.Limit, "a connection");
        var agent = await _listener.NextAsync();
        var call = pool.Live[0].Connection.CallAsync(TestEvents.Headers(1), long.MaxValue).AsTask();
        await agent.ReceiveEventAsync();
        await pool.DisposeAsync().AsTask().WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That((await call).Outcome, Is.EqualTo(CallOutcome.ShutDown), "not a crash of the agent");
        if (!inOrder)
        {
            var cancel = await agent.ReceiveCancelAsync();
            Assert.That((cancel.CorrelationId, cancel.Reason), Is.EqualTo((TestEvents.Id(1), CancelReason.ProxyShutdown)));
        }

        await agent.Closed;
        Assert.That(agent.Waiting, Is.Zero);
    }

    private ConnectionSettings Connection =>
        new ConnectedAgent(matching: inOrder ? AnswerMatching.InOrder : AnswerMatching.ById).Settings with { ConnectTimeout = ScriptedAgent.Limit };

    private ConnectionPool Pool(int connections, TimeSpan? drain = null)
    {
        var dialer = new UnixSocketDialer(_listener.Path, Connection, TimeProvider.System, _log);
        return new ConnectionPool(
            PatientSettings(connections) with { DrainTimeout = drain ?? TimeSpan.FromSeconds(30) }, dialer, new FillThenSpread(), new Random(5),
            TimeProvider.System, _log);
    }

    private Task<HandshakeRequest> AcceptAsync(ScriptedAgent agent)
    {
        agent.NamesIds = !inOrder;
        return agent.AcceptAsync();
    }
}
