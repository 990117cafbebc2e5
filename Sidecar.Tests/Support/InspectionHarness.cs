using Microsoft.Extensions.Logging.Testing;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.AgentProtocol;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Listeners;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Support;

/// <summary>The way of a request without the process around it: a native listener, the inspector, pools, and agents of the test's own.</summary>
internal sealed class InspectionHarness : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly LambdaAgent[] _agents;
    private readonly List<NativeClient> _clients = [];
    private NativeListener? _listener;

    private InspectionHarness(LambdaAgent[] agents, HarnessOptions options)
    {
        (_agents, Time) = (agents, options.Time);
        var pool = (Snapshots.Quick with { Connections = options.Connections, DrainTimeout = options.Drain }).With(options.Breaker);
        RouteAgentOptions[] all = [.. agents.Select(static agent => new RouteAgentOptions(agent.Id, null))];
        Daemon = new DaemonBuilder
        {
            Configuration = new ConfigurationSnapshot
            {
                Agents = [.. agents.Select(agent => Snapshots.Agent(agent.Id, PathOf(agent), agent.Policy, pool))],
                Routes = [new RouteOptions { Id = "all", Stages = options.Sequential ? [.. all.Select(static one => new[] { one })] : [all] }],
                Listeners = options.Listeners,
                MaxExchanges = options.MaxExchanges,
                ExchangeExpiry = options.Expiry,
                BodyMemory = options.BodyMemory,
                DrainTimeout = TimeSpan.FromSeconds(10),
            },
            Meters = Sums.Factory,
            Loggers = Logs,
            Time = options.Time,
            Pushing = options.Pushing,
            Start = options.Start,
            Observers = options.Observers,
        }.Build();
        PublishRoutes(options);
    }

    /// <summary>What was counted.</summary>
    public MetricSums Sums { get; } = new();

    /// <summary>What was logged.</summary>
    public FakeLoggers Logs { get; } = new();

    /// <summary>The clock of everything but the client.</summary>
    public TimeProvider Time { get; }

    /// <summary>Everything behind the listener.</summary>
    public Daemon.Composition.Daemon Daemon { get; }

    /// <summary>The budget of held body bytes.</summary>
    public ByteBudget BodyMemory => Inspector.BodyMemory;

    /// <summary>The inspector under test.</summary>
    public Inspector Inspector => Daemon.Inspector;

    /// <summary>A connection to the listener.</summary>
    public NativeClient Client { get; private set; } = null!;

    /// <summary>An agent as the daemon has it.</summary>
    public AgentState StateOf(string agent) => Daemon.Publisher.Agents.Single(state => state.Id == agent);

    /// <summary>The live connections of an agent.</summary>
    public IReadOnlyList<PooledConnection> ConnectionsOf(string agent) =>
        [.. Daemon.Publisher.Agents.Where(state => state.Id == agent).SelectMany(static state => state.Connections)];

    /// <summary>All agents at once on one route that takes everything.</summary>
    public static Task<InspectionHarness> StartAsync(params LambdaAgent[] agents) => StartAsync(new HarnessOptions(), agents);

    /// <summary>As the options say; agents that are not absent are connected when this returns.</summary>
    public static async Task<InspectionHarness> StartAsync(HarnessOptions options, params LambdaAgent[] agents)
    {
        var harness = new InspectionHarness(agents, options);
        var present = agents.Where(static agent => !agent.IsAbsent).ToList();
        await Task.WhenAll(present.Select(agent => agent.StartAsync(harness.PathOf(agent))));
        harness.Daemon.Publisher.StartAgents();
        await Eventually.TrueAsync(
            () => present.TrueForAll(agent => harness.ConnectionsOf(agent.Id).Count == options.Connections), TimeSpan.FromSeconds(30), "connections to all agents");
        var path = harness._directory.Socket("native.sock");
        var socket = new UnixListenerSocket(new UnixListenerOptions(), new FakeLogger<UnixListenerSocket>(harness.Logs.Collector));
        var listener = new ListenerOptions { Kind = ListenerKind.Native, Path = path, Budget = options.Budget, UnknownExchange = options.UnknownExchange };
        harness._listener = new NativeListener(
            listener, harness.Inspector, socket.Bind, "1", harness.Logs, options.Relay);
        await harness._listener.StartAsync(CancellationToken.None);
        harness.Client = await harness.ConnectAsync();
        return harness;
    }

    /// <summary>One more connection to the listener; closed with the harness.</summary>
    public async Task<NativeClient> ConnectAsync(string encoding = ProtocolConstants.MessagePack)
    {
        var client = await NativeClient.ConnectAsync(_directory.Socket("native.sock"), encoding);
        _clients.Add(client);
        return client;
    }

    /// <summary>Lets an agent that was absent come up, and waits until it is connected.</summary>
    public async Task ComeUpAsync(LambdaAgent agent)
    {
        await agent.StartAsync(PathOf(agent));
        await Eventually.TrueAsync(() => ConnectionsOf(agent.Id).Any(static pooled => pooled.TakesNew), TimeSpan.FromSeconds(30), $"connections to {agent.Id}");
    }

    /// <summary>Ends every connection to an agent under its calls.</summary>
    public void Crash(string agent)
    {
        foreach (var pooled in ConnectionsOf(agent))
        {
            pooled.Connection.Abort("crash");
        }
    }

    /// <summary>The listener.</summary>
    public NativeListener Listener => _listener!;

    /// <summary>Stops the listener and waits for the background calls.</summary>
    public async Task StopListenerAsync()
    {
        if (_listener is not null)
        {
            await _listener.DisposeAsync();
        }

        await Daemon.Background.DisposeAsync();
    }

    /// <summary>Waits until no exchange is open and returns how they ended: listener|route|state|cause=count.</summary>
    public async Task<IReadOnlyList<string>> EndedAsync()
    {
        await Eventually.TrueAsync(() => Sums.Sum("exchanges.received") == Sums.Sum("exchanges"), TimeSpan.FromSeconds(30), "the end of all exchanges");
        return Sums.Of("exchanges");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            await client.DisposeAsync();
        }

        await StopListenerAsync();
        await Daemon.AbortAsync();
        Daemon.Dispose();
        await Task.WhenAll(_agents.Select(static agent => agent.DisposeAsync().AsTask()));
        Sums.Dispose();
        _directory.Dispose();
    }

    private string PathOf(LambdaAgent agent) => _directory.Socket(agent.Id + ".sock");

    // Routes that tests make by hand, in place of the configured one.
    private void PublishRoutes(HarnessOptions options)
    {
        RouteAgent Named(string name) => new(StateOf(name), _agents.Single(agent => agent.Id == name).Policy, StateOf(name).Plan);
        if (options.Routes is null && options.Unmatched is null)
        {
            return;
        }

        var model = Daemon.Current.Model;
        var unmatched = options.Unmatched is { } choose ? choose(Named) : RouteModel.Refusing;
        Daemon.Current.Publish(model with { Routes = new RouteTable(options.Routes?.Invoke(Named) ?? model.Routes.Routes, unmatched) });
    }
}
