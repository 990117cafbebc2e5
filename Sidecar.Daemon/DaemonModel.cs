using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon;

/// <summary>What the options become: agents with their pools, and routes that name them.</summary>
internal sealed class DaemonModel
{
    public DaemonModel(DaemonOptions options, SidecarMetrics metrics, TimeProvider time, ILoggerFactory loggers)
    {
        Agents = [.. options.Agents.Select(agent => Build(agent, options, metrics, time, loggers))];
        var byId = Agents.ToDictionary(static agent => agent.Id, StringComparer.Ordinal);
        Routes = options.Routes.Count > 0
            ? [.. options.Routes.Select(route => Build(route, byId))]
            : [new RouteModel { Id = "default", Stages = [[.. Agents.Select(static agent => new RouteAgent(agent, agent.Policy))]] }];
    }

    /// <summary>The agents in the order they were given.</summary>
    public IReadOnlyList<AgentState> Agents { get; }

    /// <summary>The routes in the order they were given.</summary>
    public IReadOnlyList<RouteModel> Routes { get; }

    /// <summary>The agents that are enforced and cannot take exchanges now.</summary>
    public IReadOnlyList<string> MissingAgents() =>
        [.. Agents.Where(static agent => agent.Policy.Mode == AgentMode.Enforce && !agent.Current.Pool.IsAvailable).Select(static agent => agent.Id)];

    /// <summary>The agents as the gauges show them.</summary>
    public IEnumerable<(string Agent, int Connections, int InFlight, bool Available)> Observe() => Agents.Select(static agent =>
        (agent.Id, agent.Current.Pool.Live.Count, agent.Current.Pool.InFlight, agent.Current.Pool.IsAvailable));

    private static AgentState Build(AgentOptions agent, DaemonOptions options, SidecarMetrics metrics, TimeProvider time, ILoggerFactory loggers)
    {
        var connection = new ConnectionSettings
        {
            AgentId = agent.Id,
            MaxInFlight = options.CallsPerConnection,
            ConnectTimeout = options.ConnectTimeout,
            Encodings = agent.Encoding is { } only ? [only] : [ProtocolConstants.MessagePack, ProtocolConstants.Json],
            Configuration = agent.Configuration,
            ProxyVersion = DaemonVersion.Text,
        };
        var settings = new PoolSettings
        {
            AgentId = agent.Id,
            Connections = agent.Connections ?? options.ConnectionsPerAgent,
            ReconnectMin = options.ReconnectMin,
            ReconnectMax = options.ReconnectMax,
            HealthInterval = options.HealthInterval,
            DrainTimeout = options.DrainTimeout,
        };
        var dialer = new UnixSocketDialer(agent.Endpoint, connection, time, loggers.CreateLogger<UnixSocketDialer>());
        var pool = new ConnectionPool(settings, dialer, new FillThenSpread(), Random.Shared, time, loggers.CreateLogger<ConnectionPool>());
        var failureMode = agent.FailureMode ?? options.FailureMode;
        var body = agent.Body;
        var excess = body.OnExcess ?? (failureMode == FailureMode.Open ? ExcessAction.Skip : ExcessAction.Block);
        var policy = new AgentPolicy
        {
            Mode = agent.Mode,
            FailureMode = failureMode,
            RequestBody = new BodyPolicy { Mode = body.RequestMode, Threshold = body.RequestThreshold, MaxBytes = body.MaxRequestBytes, OnExcess = excess },
            ResponseBody = new BodyPolicy { Mode = body.ResponseMode, Threshold = body.ResponseThreshold, MaxBytes = body.MaxResponseBytes, OnExcess = excess },
            MaxEventBytes = body.MaxEventBytes,
            Events = agent.Events,
            Required = agent.Events == EventSet.All ? EventSet.None : agent.Events & ~(EventSet.RequestComplete | EventSet.Configure),
            HeaderTimeout = agent.HeaderTimeout ?? options.HeaderTimeout,
            BodyTimeout = agent.BodyTimeout ?? options.BodyTimeout,
        };
        return new AgentState(agent.Id, policy, new AgentVersion("1", pool), time, metrics) { BodyMemory = new ByteBudget(body.Memory, time) };
    }

    private static RouteModel Build(RouteOptions route, Dictionary<string, AgentState> agents) => new()
    {
        Id = route.Id,
        Match = new RouteMatch { Host = route.Host, PathPrefix = route.PathPrefix, Methods = route.Methods },
        RefusesUnapplied = route.RefusesUnapplied,
        Stages = [.. route.Stages.Select(stage => (IReadOnlyList<RouteAgent>)[.. stage.Select(named =>
        {
            var agent = agents[named.Agent];
            return new RouteAgent(agent, agent.Policy with { Mode = named.Mode ?? agent.Policy.Mode });
        })])],
    };
}
