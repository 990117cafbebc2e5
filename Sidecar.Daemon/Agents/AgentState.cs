using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Pooling;

namespace Sidecar.Daemon.Agents;

/// <summary>
/// An agent as it lives across all changes of the model: its id, its versions and how it takes part unless a route says otherwise.
/// </summary>
/// <remarks>
/// Safe from any thread. What exchanges get of it stands in the model that they began with; here stands what operators are shown.
/// </remarks>
internal sealed class AgentState
{
    private readonly Lock _gate = new();
    private volatile AgentPolicy _policy;
    private volatile VersionPlan _plan;
    private volatile AgentVersion[] _versions;

    /// <summary>An agent of these versions.</summary>
    public AgentState(string id, AgentPolicy policy, VersionPlan plan, TimeProvider time, AgentMetrics metrics)
    {
        (Id, _policy, _plan, Time, Metrics) = (id, policy, plan, time, metrics);
        BodyMemory = new ByteBudget(AgentSettings.BodyMemory.Default, time);
        _versions = [.. plan.Versions.Select(static one => one.Version)];
    }

    /// <summary>The agent's id.</summary>
    public string Id { get; }

    /// <summary>How it takes part.</summary>
    public AgentPolicy Policy => _policy;

    /// <summary>Which version new exchanges get.</summary>
    public VersionPlan Plan => _plan;

    /// <summary>The version that most new exchanges get.</summary>
    public AgentVersion Current => _plan.Main;

    /// <summary>All versions there are: those that new exchanges get, and those that end with the exchanges that have them.</summary>
    public IReadOnlyList<AgentVersion> Versions => _versions;

    /// <summary>The connections of all versions.</summary>
    public IEnumerable<PooledConnection> Connections => _versions.SelectMany(static version => version.Pool.Live);

    /// <summary>Whether it is being taken out of service.</summary>
    public bool IsRetiring => Array.TrueForAll(_versions, static version => version.IsRetiring);

    /// <summary>Whether a new exchange would find a connection, whichever version it gets.</summary>
    public bool IsAvailable => _plan.Versions.All(static one => one.Weight == 0 || one.Version.Pool.IsAvailable);

    /// <summary>The bytes of bodies that may be held for it.</summary>
    public ByteBudget BodyMemory { get; init; }

    /// <summary>Its configuration.</summary>
    public AgentConfiguration Configuration { get; init; } = new();

    /// <summary>The clock of its calls.</summary>
    public TimeProvider Time { get; }

    /// <summary>Where what it says unasked is counted.</summary>
    public AgentMetrics Metrics { get; }

    /// <summary>A new model says how the agent takes part, and which version new exchanges get.</summary>
    public void Follow(AgentPolicy policy, VersionPlan plan)
    {
        lock (_gate)
        {
            (_policy, _plan) = (policy, plan);
            _versions = [.. _versions.Union(plan.Versions.Select(static one => one.Version))];
        }
    }

    /// <summary>A version has ended.</summary>
    public void Forget(AgentVersion version)
    {
        lock (_gate)
        {
            _versions = Array.FindAll(_versions, other => other != version);
        }
    }

    /// <summary>The agent as its gauges show it, version by version.</summary>
    public IEnumerable<AgentSnapshot> Read() => _versions.Select(Read);

    private AgentSnapshot Read(AgentVersion version)
    {
        var (pool, live) = (version.Pool, version.Pool.Live);
        var admission = pool.Admission;
        return new AgentSnapshot(Id, version.Name)
        {
            Connections = live.Count,
            Healthy = live.Count(static connection => connection.TakesNew),
            Paused = live.Count(static connection => connection.IsPaused),
            InFlight = live.Sum(static connection => connection.Connection.Stats.InFlight),
            Running = admission.Running,
            Limit = admission.Limit.Current,
            Shed = admission.Sheds.Count,
            Waiting = admission.Waiting,
            QueuePercent = admission.Seats == 0 ? 0 : 100.0 * admission.Waiting / admission.Seats,
            IsAvailable = pool.IsAvailable,
            State = (int)pool.State,
            Breaker = (int)admission.Breaker.State,
            BodyBuffer = BodyMemory.Used,
            StickySessions = pool.Sticky.Count,
            StickyMoved = pool.Sticky.Moved,
            StickyExpired = pool.Sticky.Expired,
            StickyEvicted = pool.Sticky.Evicted,
            StickyCleared = pool.Sticky.Cleared,
        };
    }
}
