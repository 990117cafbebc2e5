using Microsoft.Extensions.Logging.Testing;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Storm;

/// <summary>The daemon from the inspector down to real sockets, with four agents that misbehave.</summary>
internal sealed class StormRig : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly BackgroundCalls _background;

    public StormRig(int seed)
    {
        var all = Enum.GetValues<Fault>();
        // Answers that only their order or nothing at all can tell from good ones are left out, so that a good answer is never another call's.
        Fault[] honest = [.. all.Except([Fault.Twice, Fault.OutOfOrder])];
        Agents =
        [
            new FaultAgent(_directory.Socket("honest.sock"), seed + 1, 20, [.. honest, Fault.OutOfOrder]) { Encoding = ProtocolConstants.MessagePack },
            new FaultAgent(_directory.Socket("open.sock"), seed + 2, 60, all),
            new FaultAgent(_directory.Socket("ordered.sock"), seed + 3, 20, honest) { InOrder = true },
            new FaultAgent(_directory.Socket("watching.sock"), seed + 4, 60, all),
        ];
        Memory = new ByteBudget(256 * 1024, Time);
        _background = new BackgroundCalls(Time, new FakeLogger<BackgroundCalls>(Logs.Collector));
        States =
        [
            State("honest", 0, seed, FailureMode.Closed, BodyMode.Stream),
            State("open", 1, seed, FailureMode.Open, BodyMode.Buffer),
            State("ordered", 2, seed, FailureMode.Open, BodyMode.Hybrid),
            State("watching", 3, seed, FailureMode.Closed, BodyMode.Stream, AgentMode.Monitor),
        ];
        var route = new RouteModel
        {
            Id = "storm",
            Stages = [[On(0), On(1)], [On(2), On(3)]],
            Sticky = new StickyRule(StickyOptions.Parse("header:x-session")!),
        };
        Inspector = new Inspector(
            Models.Of([route]), _background, new ExchangeIds(), Memory, Sums.Watching(Records), Time, new FakeLogger<Inspector>(Logs.Collector));
    }

    public CountingTimeProvider Time { get; } = new();

    public MetricSums Sums { get; } = new();

    public OnceEach Records { get; } = new();

    public FakeLoggers Logs { get; } = new();

    public FaultAgent[] Agents { get; }

    public AgentState[] States { get; }

    public Inspector Inspector { get; }

    /// <summary>Small enough to be used up.</summary>
    public ByteBudget Memory { get; }

    /// <summary>Lets the agents listen and waits for the connections.</summary>
    public async Task StartAsync()
    {
        foreach (var (agent, state) in Agents.Zip(States))
        {
            agent.Start();
            state.Current.Pool.Start();
        }

        await AllAvailableAsync();
    }

    /// <summary>Waits until every agent takes exchanges.</summary>
    public Task AllAvailableAsync() => Eventually.TrueAsync(
        () => Array.TrueForAll(States, static state => state.Current.Pool.IsAvailable), ScriptedAgent.Limit, "all agents");

    /// <summary>Waits for what no request waits for.</summary>
    public ValueTask StopBackgroundAsync() => _background.DisposeAsync();

    /// <summary>Closes the pools.</summary>
    public Task StopPoolsAsync() => Task.WhenAll(States.Select(static state => state.Current.Pool.DisposeAsync().AsTask()));

    public async ValueTask DisposeAsync()
    {
        await StopBackgroundAsync();
        await StopPoolsAsync();
        await Task.WhenAll(Agents.Select(static agent => agent.DisposeAsync().AsTask()));
        Sums.Dispose();
        _directory.Dispose();
    }

    private RouteAgent On(int agent) => new(States[agent], States[agent].Policy);

    private AgentState State(string id, int index, int seed, FailureMode failure, BodyMode body, AgentMode mode = AgentMode.Enforce)
    {
        var agent = Agents[index];
        var connection = new ConnectionSettings
        {
            AgentId = id,
            MaxInFlight = 32,
            ConnectTimeout = TimeSpan.FromSeconds(2),
            Encodings = [agent.Encoding],
            Matching = agent.InOrder ? AnswerMatching.InOrder : AnswerMatching.ById,
            ProxyVersion = "1",
        };
        var settings = new PoolSettings
        {
            AgentId = id,
            Connections = 4,
            ReconnectMin = TimeSpan.FromMilliseconds(1),
            ReconnectMax = TimeSpan.FromMilliseconds(20),
            HealthInterval = TimeSpan.FromMilliseconds(200),
            DrainTimeout = TimeSpan.FromSeconds(1),
            MaxCalls = 100,
            Queue = 64,
            QueueWait = TimeSpan.FromMilliseconds(10),
            StickySessions = 5,
            Breaker = BreakerSettings.Off with
            {
                FailurePercent = 80,
                MinCalls = 100,
                Window = TimeSpan.FromSeconds(1),
                OpenFor = TimeSpan.FromMilliseconds(50),
            },
        };
        var policy = new AgentPolicy
        {
            Mode = mode,
            FailureMode = failure,
            RequestBody = new BodyPolicy { Mode = body, Threshold = 4096, MaxBytes = 64 * 1024, OnExcess = ExcessAction.Partial },
            ResponseBody = new BodyPolicy { Mode = body, Threshold = 4096, MaxBytes = 64 * 1024, OnExcess = ExcessAction.Skip },
            HeaderTimeout = TimeSpan.FromMilliseconds(200),
            BodyTimeout = TimeSpan.FromMilliseconds(200),
        };
        var pool = new ConnectionPool(
            settings, new UnixSocketDialer(agent.Path, connection, Time, Logs.CreateLogger("dialer")), new FillThenSpread(), new Random(seed + index), Time,
            Logs.CreateLogger("pool"));
        return new AgentState(id, policy, new AgentVersion("1", pool), Time, Sums.Metrics.Agents) { BodyMemory = new ByteBudget(128 * 1024, Time) };
    }
}
