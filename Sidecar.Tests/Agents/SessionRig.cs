using Microsoft.Extensions.Logging.Testing;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Agents;

/// <summary>Sessions over connections that a test plays, with a clock that stands still.</summary>
internal sealed class SessionRig
{
    /// <summary>The clock of all.</summary>
    public FakeTimeProvider Clock { get; } = new();

    /// <summary>What pools logged.</summary>
    public FakeLogger Log { get; } = new();

    /// <summary>Asks.</summary>
    public Task<AgentReply> AskAsync(AgentSession session, AgentEvent message, int milliseconds = 1000) =>
        session.AskAsync(message, In(milliseconds)).AsTask();

    /// <summary>A deadline so many milliseconds from now.</summary>
    public long In(int milliseconds) => Clock.GetTimestamp() + (milliseconds * Clock.TimestampFrequency / 1000);

    /// <summary>An agent's part in exchange 1.</summary>
    public AgentSession Session(
        ConnectionPool pool, EventSet? events = null, AgentMode mode = AgentMode.Enforce, int exchange = 1, ICallObserver? observer = null)
    {
        var policy = new AgentPolicy
        {
            Mode = mode,
            Events = events,
            HeaderTimeout = TimeSpan.FromMilliseconds(120),
            BodyTimeout = TimeSpan.FromMilliseconds(400),
        };
        var metrics = new SidecarMetrics(new SilentMeters());
        var agent = new AgentState("waf", policy, new VersionPlan(new AgentVersion("1", pool)), Clock, metrics.Agents);
        return new AgentSession(new RouteAgent(agent, policy, agent.Plan), TestEvents.Id(exchange), observer: observer);
    }

    /// <summary>A pool with these connections open, in which no call waits.</summary>
    public Task<ConnectionPool> PoolAsync(params FakeConnection[] connections) => PoolAsync(PoolTests.Settings(connections.Length), connections);

    /// <summary>A pool of such settings with these connections open.</summary>
    public async Task<ConnectionPool> PoolAsync(PoolSettings settings, params FakeConnection[] connections)
    {
        var dialer = new ScriptedDialer(number => number <= connections.Length ? connections[number - 1] : null, Clock);
        var pool = new ConnectionPool(settings with { DrainTimeout = TimeSpan.Zero }, dialer, new FillThenSpread(), new Random(1), Clock, Log);
        pool.Start();
        await Eventually.TrueAsync(() => pool.Live.Count == connections.Length && Clock.ArmedTimers == connections.Length, ScriptedAgent.Limit, "all connections");
        return pool;
    }
}
