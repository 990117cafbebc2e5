using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Connections;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

/// <summary>Defects of the reference's pool (spec §10), by their numbers, on real sockets. Those of sessions and limits are named beside their tests.</summary>
/// <param name="inOrder">Whether the agent answers one call at a time, in order and without ids (spec §11.3).</param>
[TestFixture(false)]
[TestFixture(true)]
public sealed class ReferenceDefectTests(bool inOrder)
{
    private FakeLogger _log = null!;
    private TempDirectory _directory = null!;
    private ScriptedAgentListener _listener = null!;

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
    public async Task Defect01_PauseAndHealth_AreSeenBySelection()
    {
        _listener.Start();
        await using var pool = await StartedAsync(1);
        var agent = await _listener.NextAsync();
        await agent.SendFlowControlAsync(FlowAction.Pause);
        await Eventually.TrueAsync(() => pool.Select(null, out _) is null, ScriptedAgent.Limit, "the pause to count");
        await agent.SendFlowControlAsync(FlowAction.Resume);
        await Eventually.TrueAsync(() => pool.Select(null, out _) is not null, ScriptedAgent.Limit, "the resume to count");
        await agent.SendHealthAsync(new HealthStatus { State = HealthState.Draining });
        await Eventually.TrueAsync(() => pool.State == PoolState.Draining, ScriptedAgent.Limit, "the health to count");
        Assert.That(pool.Select(null, out _), Is.Null);
    }

    [Test]
    public async Task Defect02_Disconnect_FailsPendingCallsAtOnce_AndTheConnectionIsUsedNoMore()
    {
        _listener.Start();
        await using var pool = await StartedAsync(1);
        var agent = await _listener.NextAsync();
        var connection = pool.Live[0].Connection;
        var calls = Enumerable.Range(1, Math.Min(20, connection.Traits.MaxInFlight)).Select(
            n => connection.CallAsync(TestEvents.Headers(n), long.MaxValue).AsTask()).ToList();
        await agent.ReceiveEventAsync();
        await _listener.StopAsync();
        var results = await Task.WhenAll(calls).WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That(results.Select(static result => result.Outcome), Is.All.EqualTo(CallOutcome.ConnectionLost), "their deadline is never");
        Assert.That((connection.IsOpen, connection.Stats.InFlight), Is.EqualTo((false, 0)));
        Assert.That(pool.Select(null, out _), Is.Null);
    }

    [Test]
    public async Task Defect05_SilentPeer_IsLeftAtTheConnectTimeout_AndHoldsUpNobodyElse()
    {
        await using var silent = new ScriptedAgentListener(_directory.Socket("silent.sock"));
        silent.Start();
        _listener.Start();
        var settings = Connection with { ConnectTimeout = TimeSpan.FromMilliseconds(100) };
        IAgentDialer[] dialers = [Dialer(settings, silent.Path), Dialer(Connection, _listener.Path)];
        await using var pool = new ConnectionPool(PoolTests.PatientSettings(2), dialers, new FillThenSpread(), new Random(5), TimeProvider.System, _log);
        pool.Start();
        await Eventually.TrueAsync(() => pool.Live.Count == 2 && silent.Accepted >= 2, ScriptedAgent.Limit, "the other endpoint to carry both, and a second attempt");
        Assert.That(pool.Live.Select(static connection => connection.Endpoint), Is.All.EqualTo(1));
    }

    [Test]
    public async Task Defect17_Reconnect_ReplacesAllDeadConnections_AndTheListNeverGrows()
    {
        _listener.Start();
        await using var pool = await StartedAsync(4);
        for (var restart = 0; restart < 5; restart++)
        {
            var before = pool.Live.Select(static live => live.Connection.Id).ToHashSet();
            await _listener.StopAsync();
            _listener.Start();
            await Eventually.TrueAsync(
                () => pool.Live.Count == 4 && !pool.Live.Any(live => before.Contains(live.Connection.Id)), ScriptedAgent.Limit, "four others");
        }

        Assert.That(pool.Live, Has.Count.EqualTo(4));
    }

    [Test]
    public async Task Defect18_AgentAbsentForManyAttempts_StillComesAlive()
    {
        var pool = Pool(2);
        await using (pool)
        {
            pool.Start();
            await Eventually.TrueAsync(() => pool.State == PoolState.Unhealthy, ScriptedAgent.Limit, "three failed attempts");
            _listener.Start();
            await Eventually.TrueAsync(() => pool.State == PoolState.Available && pool.Live.Count == 2, ScriptedAgent.Limit, "it to come alive");
            Assert.That(pool.Select(null, out _), Is.Not.Null);
        }
    }

    private ConnectionSettings Connection =>
        new ConnectedAgent(matching: inOrder ? AnswerMatching.InOrder : AnswerMatching.ById).Settings with { ConnectTimeout = ScriptedAgent.Limit };

    private UnixSocketDialer Dialer(ConnectionSettings settings, string path) => new(path, settings, TimeProvider.System, _log);

    private ConnectionPool Pool(int connections) =>
        new(
            PoolTests.PatientSettings(connections) with { UnhealthyAfter = 3 }, Dialer(Connection, _listener.Path), new FillThenSpread(), new Random(5),
            TimeProvider.System, _log);

    private async Task<ConnectionPool> StartedAsync(int connections)
    {
        var pool = Pool(connections);
        pool.Start();
        await Eventually.TrueAsync(() => pool.Live.Count == connections, ScriptedAgent.Limit, "all connections");
        return pool;
    }

    private Task<HandshakeRequest> AcceptAsync(ScriptedAgent agent)
    {
        agent.NamesIds = !inOrder;
        return agent.AcceptAsync();
    }
}
