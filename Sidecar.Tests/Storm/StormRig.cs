using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
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
    private readonly Daemon.Composition.Daemon _daemon;

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
        _daemon = new DaemonBuilder
        {
            Configuration = new ConfigurationSnapshot
            {
                Agents =
                [
                    Written("honest", 0, FailureMode.Closed, BodyMode.Stream),
                    Written("open", 1, FailureMode.Open, BodyMode.Buffer),
                    Written("ordered", 2, FailureMode.Open, BodyMode.Hybrid),
                    Written("watching", 3, FailureMode.Closed, BodyMode.Stream, AgentMode.Monitor),
                ],
                BodyMemory = 256 * 1024,
            },
            Meters = Sums.Factory,
            Loggers = Logs,
            Time = Time,
            Dial = Dial,
            Observers = [Records],
        }.Build();
        var route = new RouteModel
        {
            Id = "storm",
            Stages = [[On(0), On(1)], [On(2), On(3)]],
            Sticky = new StickyRule(StickyOptions.Parse("header:x-session")!),
        };
        _daemon.Current.Publish(_daemon.Current.Model with { Routes = new RouteTable([route]) });
    }

    public CountingTimeProvider Time { get; } = new();

    public MetricSums Sums { get; } = new();

    public OnceEach Records { get; } = new();

    public FakeLoggers Logs { get; } = new();

    public FaultAgent[] Agents { get; }

    public IReadOnlyList<AgentState> States => _daemon.Current.Model.Agents;

    public Inspector Inspector => _daemon.Inspector;

    /// <summary>Small enough to be used up.</summary>
    public ByteBudget Memory => Inspector.BodyMemory;

    /// <summary>Lets the agents listen and waits for the connections.</summary>
    public async Task StartAsync()
    {
        Array.ForEach(Agents, static agent => agent.Start());
        _daemon.Publisher.StartAgents();
        await AllAvailableAsync();
    }

    /// <summary>Waits until every agent takes exchanges.</summary>
    public Task AllAvailableAsync() => Eventually.TrueAsync(
        () => States.All(static state => state.IsAvailable), ScriptedAgent.Limit, "all agents");

    /// <summary>Waits for what no request waits for.</summary>
    public ValueTask StopBackgroundAsync() => _daemon.Background.DisposeAsync();

    /// <summary>Closes the pools.</summary>
    public Task StopPoolsAsync() => Task.WhenAll(States.Select(static state => state.Current.Pool.DisposeAsync().AsTask()));

    public async ValueTask DisposeAsync()
    {
        await _daemon.AbortAsync();
        _daemon.Dispose();
        await Task.WhenAll(Agents.Select(static agent => agent.DisposeAsync().AsTask()));
        Sums.Dispose();
        _directory.Dispose();
    }

    // Excess of a response is skipped, where that of a request is shown in part.
    private RouteAgent On(int agent) => new(
        States[agent], States[agent].Policy with { ResponseBody = States[agent].Policy.ResponseBody with { OnExcess = ExcessAction.Skip } },
        States[agent].Plan);

    private IAgentDialer Dial(AgentEndpoint endpoint, ConnectionSettings settings, AgentOptions agent)
    {
        var isInOrder = Agents.Single(other => endpoint == new AgentEndpoint.Unix(other.Path)).InOrder;
        return AgentDialers.Create(endpoint, settings with { Matching = isInOrder ? AnswerMatching.InOrder : AnswerMatching.ById }, agent.Tls, Time, Logs);
    }

    private AgentOptions Written(string id, int index, FailureMode failure, BodyMode mode, AgentMode takesPart = AgentMode.Enforce)
    {
        var body = new BodyPolicy { Mode = mode, Threshold = 4096, MaxBytes = 64 * 1024, OnExcess = ExcessAction.Partial };
        var policy = LambdaAgent.PolicyOf(failure, TimeSpan.FromMilliseconds(200)) with { Mode = takesPart, RequestBody = body, ResponseBody = body };
        var breaker = BreakerSettings.Off with
        {
            FailurePercent = 80,
            MinCalls = 100,
            Window = TimeSpan.FromSeconds(1),
            OpenFor = TimeSpan.FromMilliseconds(50),
        };
        var pool = Snapshots.Quick.With(breaker)
            .With(CallSettings.Connections, 4)
            .With(CallSettings.CallsPerConnection, 32)
            .With(CallSettings.ConnectTimeout, TimeSpan.FromSeconds(2))
            .With(CallSettings.ReconnectMin, TimeSpan.FromMilliseconds(1))
            .With(CallSettings.HealthInterval, TimeSpan.FromMilliseconds(200))
            .With(AgentSettings.DrainTimeout, TimeSpan.FromSeconds(1))
            .With(CallSettings.MaxInFlight, 100)
            .With(CallSettings.Queue, 64)
            .With(CallSettings.StickySessions, 5)
            .With(AgentSettings.BodyMemory, 128 * 1024L);
        return Snapshots.Agent(id, Agents[index].Path, policy, pool) with { Encoding = Agents[index].Encoding };
    }
}
