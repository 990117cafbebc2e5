using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Composition;

/// <summary>A running daemon whose model tests change: agent <c>waf</c> on one route, and a native listener.</summary>
internal sealed class PublisherRig : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly List<LambdaAgent> _agents = [];
    private PublisherRig() => Daemon = new DaemonBuilder
    {
        Configuration = new ConfigurationSnapshot
        {
            Agents = [Agent("waf", "one")],
            Routes = [new RouteOptions { Id = "all", Stages = [[new RouteAgentOptions("waf", null)]] }],
            Listeners = [Listener("native")],
            DrainTimeout = TimeSpan.FromSeconds(30),
        },
        Start = new ConfigurationStart(Source) { Fit = static written => new(written, null, null) },
        Meters = Sums.Factory,
        Loggers = Logs,
    }.Build();

    /// <summary>What a reload reads.</summary>
    public MemorySource Source { get; } = new();

    public Daemon.Composition.Daemon Daemon { get; }

    public MetricSums Sums { get; } = new();

    public FakeLoggers Logs { get; } = new();

    public RuntimeModel Model => Daemon.Current.Model;

    /// <summary>Begins with <c>waf</c> listening at place <c>one</c>.</summary>
    public static async Task<PublisherRig> StartAsync()
    {
        var rig = new PublisherRig();
        await rig.AgentAtAsync("one");
        rig.Daemon.Publisher.StartAgents();
        rig.Daemon.Listeners.Create(rig.Model.Configuration);
        await rig.Daemon.Listeners.StartAsync(CancellationToken.None);
        await Eventually.TrueAsync(() => rig.Model.Agents[0].IsAvailable, TimeSpan.FromSeconds(30), "the agent");
        rig.Daemon.Reloads.Open();
        return rig;
    }

    /// <summary>Where something listens, or a file may be.</summary>
    public string PathOf(string name) => _directory.Socket(name);

    /// <summary>An agent as an operator writes it.</summary>
    public AgentOptions Agent(string id, params string[] places)
    {
        var pool = Snapshots.Quick with { DrainTimeout = TimeSpan.FromSeconds(30) };
        return Snapshots.Agent(id, PathOf(places[0]), LambdaAgent.PolicyOf(FailureMode.Closed), pool) with { Endpoints = At(places) };
    }

    /// <summary>Places where agents listen.</summary>
    public IReadOnlyList<AgentEndpoint> At(params string[] places) => [.. places.Select(place => new AgentEndpoint.Unix(PathOf(place)))];

    /// <summary>A native listener.</summary>
    public ListenerOptions Listener(string name) => new() { Kind = ListenerKind.Native, Path = PathOf(name), Budget = TimeSpan.FromMinutes(1) };

    /// <summary>Lets an agent listen somewhere.</summary>
    public async Task<LambdaAgent> AgentAtAsync(string place)
    {
        var agent = new LambdaAgent(place);
        await agent.StartAsync(PathOf(place));
        _agents.Add(agent);
        return agent;
    }

    /// <summary>Ends every agent, and waits until the daemon knows.</summary>
    public async Task StopAgentsAsync()
    {
        foreach (var agent in _agents)
        {
            await agent.DisposeAsync();
        }

        _agents.Clear();
        await Eventually.TrueAsync(
            () => Model.Agents.All(static agent => agent.Current.Pool.State == PoolState.Unhealthy), TimeSpan.FromSeconds(60), "the agents' absence");
    }

    /// <summary>Changes the model.</summary>
    public Task<IReadOnlyList<string>> UpdateAsync(Func<ConfigurationSnapshot, ConfigurationSnapshot> change) =>
        Daemon.Publisher.UpdateAsync(change, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System);

    /// <summary>Begins an exchange and asks about its request.</summary>
    public async Task<(Exchange Exchange, Verdict Verdict)> AskAsync(string session = "", string path = "/")
    {
        var inspector = Daemon.Inspector;
        var exchange = inspector.Begin("test", null, path, "GET");
        var headers = new HeaderBlock();
        headers.Add("x-session", session);
        var message = new RequestHeadersEvent { Metadata = new RequestMetadata(), Method = "GET", Uri = path, Headers = headers };
        return (exchange, await inspector.InspectAsync(exchange, message, inspector.DeadlineIn(TimeSpan.FromMinutes(1))));
    }

    /// <summary>The same for a whole exchange; the names of the versions that took part.</summary>
    public async Task<string> WholeAsync(string session = "")
    {
        var (exchange, verdict) = await AskAsync(session);
        Daemon.Inspector.End(exchange);
        var versions = exchange.Enforced.ToArray().Select(static one => one.Session.Version.Name);
        return verdict.IsAllow ? string.Join('+', versions) : verdict.Kind.ToString();
    }

    /// <summary>Waits until nothing drains any more.</summary>
    public Task DrainedAsync() => Eventually.TrueAsync(() => !Daemon.Publisher.IsDraining, TimeSpan.FromSeconds(60), "the end of what drains");

    public async ValueTask DisposeAsync()
    {
        await Daemon.Listeners.StopAsync(TimeSpan.Zero, CancellationToken.None);
        await Daemon.AbortAsync();
        Daemon.Dispose();
        await Task.WhenAll(_agents.Select(static agent => agent.DisposeAsync().AsTask()));
        Sums.Dispose();
        _directory.Dispose();
    }
}
