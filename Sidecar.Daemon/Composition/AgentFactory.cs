using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Composition;

/// <summary>
/// Makes agents of what the operator wrote of them, and knows those that are there: what need not change of one stays as it is.
/// </summary>
/// <remarks>For one change at a time; <see cref="Registered"/> from any thread.</remarks>
/// <param name="metrics">Counts what their connections do.</param>
/// <param name="observe">Takes what concerns an agent as a whole, of one process of a version or of all.</param>
/// <param name="time">The clock.</param>
/// <param name="loggers">The logs.</param>
/// <param name="dial">Makes dialers.</param>
internal sealed class AgentFactory(
    AgentMetrics metrics, Func<Func<AgentState>, string, string?, AgentObserver> observe, TimeProvider time, ILoggerFactory loggers,
    Func<AgentEndpoint, ConnectionSettings, AgentOptions, IAgentDialer> dial)
{
    private readonly Dictionary<string, AgentChange> _known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, RegisteredConnections> _registered = new(StringComparer.Ordinal);

    /// <summary>Where the connections of an agent that dials in are handed over; null when it does not.</summary>
    public RegisteredConnections? Registered(string agent) => _registered.GetValueOrDefault(agent);

    /// <summary>
    /// Plans an agent; nothing of one that is there changes, and nothing is started. Where its own settings say nothing the daemon's count,
    /// then the defaults.
    /// </summary>
    /// <param name="agent">What the operator wrote of it.</param>
    /// <param name="snapshot">What the operator wrote of everything.</param>
    public AgentChange Plan(AgentOptions agent, ConfigurationSnapshot snapshot)
    {
        var own = agent.Pool with { Connections = agent.Pool.Connections ?? MostOnListeners(agent, snapshot) };
        var both = own.Over(snapshot.Pool);
        var written = both
            .With(CallSettings.ReconnectMin, both.Values.Get(CallSettings.ReconnectMin, agent.Variant))
            .With(CallSettings.ReconnectMax, both.Values.Get(CallSettings.ReconnectMax, agent.Variant));
        var known = _known.GetValueOrDefault(agent.Id);
        var configured = known?.State.Configuration ?? new AgentConfiguration(agent.Configuration);
        var connection = new ConnectionSettings
        {
            AgentId = agent.Id,
            MaxInFlight = written.Get(CallSettings.CallsPerConnection),
            ConnectTimeout = written.Get(CallSettings.ConnectTimeout),
            Encodings = agent.Encoding is { } only ? [only] : [ProtocolConstants.MessagePack, ProtocolConstants.Json],
            Configured = configured,
            ProxyVersion = DaemonVersion.Text,
            Metrics = metrics,
        };
        IReadOnlyList<VersionOptions> wanted = agent.Versions.Count > 0 ? agent.Versions : [new VersionOptions("", agent.Endpoints, 1)];
        var strategy = written.Get(CallSettings.Strategy);
        var last = known?.LastVersion ?? 0;

        // In a box of its own: what a closure here captures would keep all versions of before with the newest.
        var box = new StrongBox<AgentState?>(known?.State);
        var versions = wanted.Select(version =>
        {
            var key = KeyOf(agent, version);
            var there = known?.Versions.FirstOrDefault(other => other.Key == key);
            var name = there?.Version.Name ?? (version.Name.Length > 0 ? version.Name : $"{++last}");
            var settings = SettingsOf(
                AgentVersion.LabelOf(agent.Id, name), written, connection.MaxInFlight, version.Endpoints.Count, snapshot.DrainTimeout);
            return there is not null
                ? there with { Weight = version.Weight, Settings = settings, ConnectTimeout = connection.ConnectTimeout, IsNew = false }
                : Make(key, name, version, agent, settings, connection, strategy, StateIn(box));
        }).ToList();
        var policy = PolicyOf(agent, written);
        var weighted = versions.ConvertAll(static version => new WeightedVersion(version.Version, version.Weight));
        var plan = known?.State.Plan is { } before && before.IsSameAs(weighted) ? before : new VersionPlan(weighted);
        box.Value ??= new AgentState(agent.Id, policy, plan, time, metrics)
        {
            BodyMemory = new ByteBudget(agent.Body.Memory, time),
            Configuration = configured,
        };
        return new AgentChange(agent, box.Value, policy, plan, versions, strategy, last) { IsNew = known is null, Before = known?.Options };
    }

    /// <summary>A plan has come true: the agent follows it.</summary>
    public void Follow(AgentChange change)
    {
        var (agent, state) = (change.Options, change.State);
        state.Follow(change.Policy, change.Plan);
        state.BodyMemory.Within(agent.Body.Memory);
        state.Configuration.File = agent.ConfigurationFile is { } file ? Path.GetFullPath(file) : null;
        var before = _known.GetValueOrDefault(agent.Id);
        foreach (var version in change.Versions.Where(static version => !version.IsNew))
        {
            version.Connections.ForEach(connection => connection.ConnectTimeout = version.ConnectTimeout);
            version.Version.Pool.Follow(version.Settings, before?.Strategy == change.Strategy ? null : PolicyOf(change.Strategy));
        }

        if (change.Versions[0].Registered is { } registered)
        {
            (registered.Limit, _registered[agent.Id]) = (change.Versions[0].Settings.Connections, registered);
        }
        else
        {
            _registered.TryRemove(agent.Id, out _);
        }

        _known[agent.Id] = change;
    }

    /// <summary>An agent is gone.</summary>
    public void Forget(string agent)
    {
        _known.Remove(agent);
        _registered.TryRemove(agent, out _);
    }

    private PlannedVersion Make(
        VersionKey key, string name, VersionOptions version, AgentOptions agent, PoolSettings settings, ConnectionSettings connection,
        SelectionStrategy strategy, Func<AgentState> state)
    {
        // Processes are told apart where there are several.
        var connections = new List<ConnectionSettings>();
        var registered = agent.IsReverse
            ? new RegisteredConnections(Of(null), settings.Connections, time, loggers.CreateLogger<RegisteredConnections>()) : null;
        IReadOnlyList<IAgentDialer> dialers = registered is not null
            ? [registered]
            : [.. version.Endpoints.Select((endpoint, i) => dial(endpoint, Of(version.Endpoints.Count > 1 ? i : null), agent))];
        var pool = new ConnectionPool(
            settings, dialers, PolicyOf(strategy), Random.Shared, time, loggers.CreateLogger<ConnectionPool>(), observe(state, name, null));
        return new PlannedVersion(key, new AgentVersion(name, pool), version.Weight, settings, connections)
        {
            ConnectTimeout = connection.ConnectTimeout,
            IsNew = true,
            Registered = registered,
        };

        ConnectionSettings Of(int? process)
        {
            connections.Add(connection with { Reports = observe(state, name, process?.ToString(CultureInfo.InvariantCulture)) });
            return connections[^1];
        }
    }

    private static Func<AgentState> StateIn(StrongBox<AgentState?> box) => () => box.Value!;

    // What we say changes nothing on connections that an agent opens: they stay.
    private static VersionKey KeyOf(AgentOptions agent, VersionOptions version) => new(
        version.Name, string.Join(' ', version.Endpoints), agent.IsReverse ? null : agent.Encoding, agent.IsReverse ? null : agent.Tls);

    private ISelectionPolicy PolicyOf(SelectionStrategy strategy) => SelectionPolicies.Create(strategy, time, Random.Shared);

    /// <summary>What was written about a pool, with the defaults where nothing was.</summary>
    public static PoolSettings SettingsOf(string id, PoolOptions written, int callsPerConnection, int endpoints, TimeSpan drainTimeout)
    {
        var connections = Math.Max(written.Get(CallSettings.Connections), endpoints);
        return new PoolSettings
        {
            AgentId = id,
            Connections = connections,
            ReconnectMin = written.Get(CallSettings.ReconnectMin),
            ReconnectMax = written.Get(CallSettings.ReconnectMax),
            HealthInterval = written.Get(CallSettings.HealthInterval),
            DrainTimeout = written.DrainTimeout ?? drainTimeout,
            UnhealthyAfter = written.Get(CallSettings.UnhealthyAfter),
            CallsPerConnection = callsPerConnection,
            MaxCalls = written.Get(CallSettings.MaxInFlight),
            MaxEjectedPercent = written.Get(CallSettings.MaxEjected),
            Queue = written.Get(CallSettings.Queue),
            QueueWait = written.Get(CallSettings.QueueWait),
            FlowWait = written.Get(CallSettings.FlowMode) == FlowMode.Wait ? written.Get(CallSettings.FlowWait) : TimeSpan.Zero,
            StickyTimeout = written.Get(CallSettings.StickyTimeout),
            StickySessions = written.Get(CallSettings.StickySessions),
            Breaker = new BreakerSettings
            {
                FailurePercent = written.Get(CallSettings.BreakerRate),
                MinCalls = written.Get(CallSettings.BreakerCalls),
                Window = written.Get(CallSettings.BreakerWindow),
                Consecutive = written.Get(CallSettings.BreakerFailures),
                OpenFor = written.Get(CallSettings.BreakerOpen),
            },
        };
    }

    // An agent that dials in has a place for as many connections as any of its listeners lets in.
    private static int? MostOnListeners(AgentOptions agent, ConfigurationSnapshot options) =>
        options.Listeners.Where(listener => listener.Reverse?.Admits(agent) == true).Max(static listener => listener.Reverse!.MaxPerAgent);

    private static AgentPolicy PolicyOf(AgentOptions agent, PoolOptions written)
    {
        var body = agent.Body;
        var policy = new AgentPolicy
        {
            Mode = agent.Mode,
            RequestBody = BodyOf(body.Request, body.MaxRequestBytes),
            ResponseBody = BodyOf(body.Response, body.MaxResponseBytes),
            BodyIsOptional = body.IsOptional,
            MaxEventBytes = body.MaxEventBytes,
            FlowMode = written.Get(CallSettings.FlowMode),
            Events = agent.Events,
            HeaderTimeout = written.Get(CallSettings.HeaderTimeout),
            BodyTimeout = written.Get(CallSettings.BodyTimeout),
            EventTimeouts = written.Get(CallSettings.EventTimeouts) is { Count: > 0 } timeouts ? timeouts.ToFrozenDictionary() : null,
        };
        return policy.With(written.Get(DaemonSettings.OnFailure), body.OnExcess);

        static BodyPolicy BodyOf(BodyShape shape, long most) => new() { Mode = shape.Mode, Threshold = shape.Threshold, MaxBytes = most };
    }
}
