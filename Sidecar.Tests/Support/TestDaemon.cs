using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.Support;

/// <summary>Everything of a daemon behind its front ends: agents on Unix sockets, pools, one route for all requests, an inspector.</summary>
internal sealed class TestDaemon : IAsyncDisposable
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    private readonly List<AgentServer> _servers = [];
    private readonly Daemon.Composition.Daemon _daemon;

    private TestDaemon(IReadOnlyList<TestAgent> agents, bool refusesUnapplied)
    {
        var route = new RouteOptions
        {
            Id = "all",
            Stages = [.. agents.Select(static agent => (IReadOnlyList<RouteAgentOptions>)[new RouteAgentOptions(agent.Id, null)])],
            RefusesUnapplied = refusesUnapplied,
        };
        var pool = Snapshots.Quick.With(CallSettings.CallsPerConnection, 64);
        _daemon = new DaemonBuilder
        {
            Configuration = new ConfigurationSnapshot
            {
                Agents = [.. agents.Select(agent => Snapshots.Agent(agent.Id, SocketOf(agent), agent.Policy, pool))],
                Routes = [route],
            },
            Meters = Sums.Factory,
            Loggers = Logs,
        }.Build();
    }

    /// <summary>A private directory for sockets and files.</summary>
    public TempDirectory Directory { get; } = new();

    /// <summary>What was counted.</summary>
    public MetricSums Sums { get; } = new();

    /// <summary>What was logged.</summary>
    public FakeLoggers Logs { get; } = new();

    /// <summary>What front ends ask.</summary>
    public Inspector Inspector => _daemon.Inspector;

    /// <summary>The enforced agents that take no exchanges now.</summary>
    public IReadOnlyList<string> MissingAgents() => Inspector.Model.MissingAgents();

    /// <summary>Starts the agents and waits until those that are up are connected.</summary>
    /// <param name="agents">Agents in the order in which they are asked, one after the other.</param>
    /// <param name="refusesUnapplied">What the route says about operations that cannot be carried.</param>
    public static async Task<TestDaemon> StartAsync(IReadOnlyList<TestAgent> agents, bool refusesUnapplied = true)
    {
        var daemon = new TestDaemon(agents, refusesUnapplied);
        foreach (var agent in agents.Where(static agent => agent.IsUp))
        {
            await daemon.StartAgentAsync(agent);
        }

        daemon._daemon.Publisher.StartAgents();
        var up = daemon.Inspector.Model.Agents.Zip(agents).Where(static pair => pair.Second.IsUp).Select(static pair => pair.First).ToList();
        await Eventually.TrueAsync(() => up.TrueForAll(static agent => agent.IsAvailable), Generous, "a connection to each agent");
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
            Workers = AgentConnectionOptions.MostWorkers,
        };
        var server = new AgentServer(agent, options, Logs);
        _servers.Add(server);
        await server.StartAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _daemon.AbortAsync();
        _daemon.Dispose();
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }

        Sums.Dispose();
        Directory.Dispose();
    }

    private string SocketOf(TestAgent agent) => Directory.Socket(agent.Id + ".sock");
}
