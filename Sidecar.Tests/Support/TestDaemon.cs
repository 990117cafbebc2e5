using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.Support;

/// <summary>Everything of a daemon behind its front ends, composed by hand: agents on Unix sockets, pools, one route for all requests, an inspector.</summary>
internal sealed class TestDaemon : IAsyncDisposable
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    private readonly List<AgentServer> _servers = [];
    private readonly List<ConnectionPool> _pools = [];
    private readonly List<AgentState> _agents = [];
    private readonly BackgroundCalls _background;

    private TestDaemon(IReadOnlyList<TestAgent> agents, bool refusesUnapplied)
    {
        foreach (var agent in agents)
        {
            _agents.Add(new AgentState(agent.Id, agent.Policy, new AgentVersion("1", PoolOf(agent)), TimeProvider.System, Sums.Metrics));
        }

        var route = new RouteModel
        {
            Id = "all",
            Stages = [.. _agents.Select(static agent => (IReadOnlyList<RouteAgent>)[new RouteAgent(agent, agent.Policy)])],
            RefusesUnapplied = refusesUnapplied,
        };
        _background = new BackgroundCalls(Sums.Metrics, TimeProvider.System, Logs.CreateLogger<BackgroundCalls>());
        Inspector = new Inspector(
            new RouteTable([route]), _background, new ExchangeIds(), new ByteBudget(Defaults.BodyMemory, TimeProvider.System), Sums.Metrics,
            TimeProvider.System, Logs.CreateLogger<Inspector>());
    }

    /// <summary>A private directory for sockets and files.</summary>
    public TempDirectory Directory { get; } = new();

    /// <summary>What was counted.</summary>
    public MetricSums Sums { get; } = new();

    /// <summary>What was logged.</summary>
    public FakeLoggers Logs { get; } = new();

    /// <summary>What front ends ask.</summary>
    public Inspector Inspector { get; }

    /// <summary>The enforced agents that take no exchanges now.</summary>
    public IReadOnlyList<string> MissingAgents() =>
        [.. _agents.Where(static agent => agent.Policy.Mode == AgentMode.Enforce && !agent.Current.Pool.IsAvailable).Select(static agent => agent.Id)];

    /// <summary>Starts the agents and waits until those that are up are connected.</summary>
    /// <param name="agents">Agents in the order in which they are asked, one after the other.</param>
    /// <param name="refusesUnapplied">What the route says about operations that cannot be carried.</param>
    public static async Task<TestDaemon> StartAsync(IReadOnlyList<TestAgent> agents, bool refusesUnapplied = true)
    {
        var daemon = new TestDaemon(agents, refusesUnapplied);
        for (var i = 0; i < agents.Count; i++)
        {
            if (agents[i].IsUp)
            {
                await daemon.StartAgentAsync(agents[i]);
            }

            daemon._pools[i].Start();
        }

        for (var i = 0; i < agents.Count; i++)
        {
            var pool = daemon._pools[i];
            await Eventually.TrueAsync(() => pool.IsAvailable || !agents[i].IsUp, Generous, $"a connection to agent {agents[i].Id}");
        }

        return daemon;
    }

    /// <summary>Lets an agent listen.</summary>
    public async Task StartAgentAsync(TestAgent agent)
    {
        var options = new AgentServerOptions
        {
            SocketPath = SocketOf(agent),
            Capabilities = agent.Capabilities,
            HandshakeTimeout = Generous,
            DrainTimeout = TimeSpan.Zero,
        };
        var server = new AgentServer(agent, options, Logs);
        _servers.Add(server);
        await server.StartAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var pool in _pools)
        {
            await pool.DisposeAsync();
        }

        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }

        await _background.DisposeAsync();
        Sums.Dispose();
        Directory.Dispose();
    }

    private string SocketOf(TestAgent agent) => Directory.Socket(agent.Id + ".sock");

    private ConnectionPool PoolOf(TestAgent agent)
    {
        var connection = new ConnectionSettings
        {
            AgentId = agent.Id,
            MaxInFlight = 64,
            ConnectTimeout = Generous,
            Encodings = [ProtocolConstants.MessagePack, ProtocolConstants.Json],
            ProxyVersion = "test",
        };
        var settings = new PoolSettings
        {
            AgentId = agent.Id,
            Connections = 1,
            ReconnectMin = TimeSpan.FromMilliseconds(5),
            ReconnectMax = TimeSpan.FromMilliseconds(50),
            HealthInterval = Generous,
            DrainTimeout = TimeSpan.Zero,
        };
        var logger = Logs.CreateLogger<ConnectionPool>();
        var dialer = new UnixSocketDialer(SocketOf(agent), connection, TimeProvider.System, logger);
        var pool = new ConnectionPool(settings, dialer, new FillThenSpread(), new Random(1), TimeProvider.System, logger);
        _pools.Add(pool);
        return pool;
    }
}
