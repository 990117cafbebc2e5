using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Diagnostics.Reports;
using Sidecar.Daemon.Inspection.Routing;

namespace Sidecar.Daemon.Composition;

/// <summary>What the options become: agents with their pools, and routes that name them.</summary>
/// <remarks>Safe from any thread. The list of agents is replaced as a whole when one is removed.</remarks>
internal sealed class DaemonModel
{
    private readonly Dictionary<string, RegisteredConnections> _registered = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly AgentReports _reports;
    private volatile AgentState[] _agents;

    public DaemonModel(
        ConfigurationSnapshot options, SidecarMetrics metrics, AgentReports reports, ConfigPusher pusher, ConfigUpdates updates, TimeProvider time,
        ILoggerFactory loggers)
    {
        _reports = reports;
        _time = time;
        _agents = [.. options.Agents.Select(agent => AgentBuilder.Build(agent, options, _registered, metrics, time, loggers))];
        var cautions = new AgentCautions(time, loggers.CreateLogger<AgentCautions>());
        foreach (var agent in _agents)
        {
            agent.Current.Pool.News = new AgentObserver(agent, reports, pusher, updates, cautions);
        }

        var byId = Agents.ToDictionary(static agent => agent.Id, StringComparer.Ordinal);
        Routes = options.Routes.Count > 0
            ? [.. options.Routes.Select(route => Build(route, byId))]
            : [new RouteModel { Id = "default", Stages = [[.. Agents.Select(static agent => new RouteAgent(agent, agent.Policy))]] }];
        Unmatched = options.Unmatched switch { null => RouteModel.Refusing, { Stages: [] } => null, var route => Build(route, byId) };
    }

    /// <summary>What takes the requests that no route takes; null lets them pass.</summary>
    public RouteModel? Unmatched { get; }

    /// <summary>The agents in the order they were given.</summary>
    public IReadOnlyList<AgentState> Agents => _agents;

    /// <summary>The routes in the order they were given.</summary>
    public IReadOnlyList<RouteModel> Routes { get; }

    /// <summary>Where the connections of agents that dial in are handed over, by agent id.</summary>
    public IReadOnlyDictionary<string, RegisteredConnections> Registered => _registered;

    /// <summary>The agents that are enforced and cannot take exchanges now.</summary>
    public IReadOnlyList<string> MissingAgents() =>
        [.. Agents.Where(static agent => agent.Policy.Mode == AgentMode.Enforce && !agent.Current.IsRetiring && !agent.Current.Pool.IsAvailable)
            .Select(static agent => agent.Id)];

    /// <summary>
    /// Takes one agent out of service: no new exchange gets it, those under way may end, what is left is cancelled, its connections are closed,
    /// and it is gone from the list (spec §9.7). Routes that name it go on without it.
    /// </summary>
    /// <param name="id">The agent.</param>
    /// <param name="abort">Ends the wait for exchanges and calls.</param>
    /// <returns>False when there is no such agent.</returns>
    public async Task<bool> RemoveAsync(string id, CancellationToken abort)
    {
        if (Array.Find(_agents, agent => agent.Id == id) is not { } agent)
        {
            return false;
        }

        await agent.Current.RetireAsync(_time, abort).ConfigureAwait(false);
        lock (_gate)
        {
            _agents = Array.FindAll(_agents, other => other != agent);
        }

        _reports.Forget(id);

        return true;
    }

    /// <summary>The agents as the gauges show them.</summary>
    public IEnumerable<AgentSnapshot> Observe() => Agents.Select(static agent => agent.Read());

    private static RouteModel Build(RouteOptions route, Dictionary<string, AgentState> agents) => new()
    {
        Id = route.Id,
        Match = new RouteMatch { Hosts = route.Hosts, PathPrefix = route.PathPrefix, IgnoresCase = route.IgnoresCase, Methods = route.Methods },
        RefusesUnapplied = route.RefusesUnapplied,
        Sticky = route.Sticky is { } sticky ? new StickyRule(sticky) : null,
        Stages = [.. route.Stages.Select(stage => (IReadOnlyList<RouteAgent>)[.. stage.Select(named =>
        {
            var agent = agents[named.Agent];
            return new RouteAgent(agent, agent.Policy with { Mode = named.Mode ?? agent.Policy.Mode });
        })])],
    };
}
