using Microsoft.Extensions.Logging.Testing;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
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
    private readonly Dictionary<string, AgentState> _states = new(StringComparer.Ordinal);
    private readonly BackgroundCalls _background;
    private readonly List<NativeClient> _clients = [];
    private NativeListener? _listener;

    private InspectionHarness(LambdaAgent[] agents, TimeProvider time, long bodyMemory)
    {
        (_agents, Time) = (agents, time);
        BodyMemory = new ByteBudget(bodyMemory, time);
        _background = new BackgroundCalls(Sums.Metrics, time, new FakeLogger<BackgroundCalls>(Logs.Collector));
    }

    /// <summary>What was counted.</summary>
    public MetricSums Sums { get; } = new();

    /// <summary>What was logged.</summary>
    public FakeLoggers Logs { get; } = new();

    /// <summary>The clock of everything but the client.</summary>
    public TimeProvider Time { get; }

    /// <summary>The budget of held body bytes.</summary>
    public ByteBudget BodyMemory { get; }

    /// <summary>The inspector under test.</summary>
    public Inspector Inspector { get; private set; } = null!;

    /// <summary>A connection to the listener.</summary>
    public NativeClient Client { get; private set; } = null!;

    /// <summary>An agent as the daemon has it.</summary>
    public AgentState StateOf(string agent) => _states[agent];

    /// <summary>The live connections of an agent.</summary>
    public IReadOnlyList<PooledConnection> ConnectionsOf(string agent) => _states[agent].Current.Pool.Live;

    /// <summary>All agents at once on one route that takes everything.</summary>
    public static Task<InspectionHarness> StartAsync(params LambdaAgent[] agents) => StartAsync(new HarnessOptions(), agents);

    /// <summary>As the options say; agents that are not absent are connected when this returns.</summary>
    public static async Task<InspectionHarness> StartAsync(HarnessOptions options, params LambdaAgent[] agents)
    {
        var harness = new InspectionHarness(agents, options.Time, options.BodyMemory);
        foreach (var agent in agents)
        {
            await harness.AddAsync(agent, options);
        }

        RouteAgent On(LambdaAgent agent) => new(harness._states[agent.Id], agent.Policy);
        RouteAgent Named(string name) => On(agents.Single(agent => agent.Id == name));
        var routes = options.Routes?.Invoke(Named)
            ?? [
                new RouteModel { Id = "all",
                    Stages = options.Sequential ? [.. agents.Select(agent => (IReadOnlyList<RouteAgent>)[On(agent)])] : [[.. agents.Select(On)]] }];
        var unmatched = options.Unmatched is { } choose ? choose(Named) : RouteModel.Refusing;
        harness.Inspector = new Inspector(
            new RouteTable(routes, unmatched), harness._background, new ExchangeIds(), harness.BodyMemory, harness.Sums.Metrics, options.Time,
            new FakeLogger<Inspector>(harness.Logs.Collector));
        var path = harness._directory.Socket("native.sock");
        var socket = new UnixListenerSocket(new UnixListenerOptions(), new FakeLogger<UnixListenerSocket>(harness.Logs.Collector));
        var listener = new ListenerOptions { Kind = ListenerKind.Native, Path = path, Budget = options.Budget, UnknownExchange = options.UnknownExchange };
        harness._listener = new NativeListener(
            listener, options.MaxExchanges, options.Expiry, harness.Inspector, socket.Bind, "1", harness.Logs, TimeSpan.FromSeconds(10), options.Relay);
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
        await agent.StartAsync(_directory.Socket(agent.Id + ".sock"));
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

        await _background.DisposeAsync();
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
        await Task.WhenAll(_states.Values.Select(static state => state.Current.Pool.DisposeAsync().AsTask()));
        await Task.WhenAll(_agents.Select(static agent => agent.DisposeAsync().AsTask()));
        Sums.Dispose();
        _directory.Dispose();
    }

    private async Task AddAsync(LambdaAgent agent, HarnessOptions options)
    {
        var path = _directory.Socket(agent.Id + ".sock");
        if (!agent.IsAbsent)
        {
            await agent.StartAsync(path);
        }

        var settings = new ConnectionSettings
        {
            AgentId = agent.Id,
            MaxInFlight = 1000,
            ConnectTimeout = TimeSpan.FromSeconds(30),
            Encodings = [ProtocolConstants.MessagePack],
            ProxyVersion = "1",
        };
        var pooling = new PoolSettings
        {
            AgentId = agent.Id,
            Connections = options.Connections,
            ReconnectMin = TimeSpan.FromMilliseconds(10),
            ReconnectMax = TimeSpan.FromMilliseconds(20),
            HealthInterval = TimeSpan.FromMinutes(1),
            DrainTimeout = options.Drain,
            Breaker = options.Breaker,
        };
        var pool = new ConnectionPool(
            pooling, new UnixSocketDialer(path, settings, Time, Logs.CreateLogger("dialer")), new FillThenSpread(), new Random(1), Time, Logs.CreateLogger("pool"));
        _states[agent.Id] = new AgentState(agent.Id, agent.Policy, new AgentVersion("1", pool), Time, Sums.Metrics);
        pool.Start();
        if (!agent.IsAbsent)
        {
            await Eventually.TrueAsync(() => pool.Live.Count == options.Connections, TimeSpan.FromSeconds(30), $"connections to {agent.Id}");
        }
    }
}
