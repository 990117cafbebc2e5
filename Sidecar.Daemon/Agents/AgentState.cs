using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Diagnostics;

namespace Sidecar.Daemon.Agents;

/// <summary>An agent as it lives in the daemon: its id, its current version and how it takes part unless a route says otherwise.</summary>
internal sealed class AgentState(string id, AgentPolicy policy, AgentVersion version, TimeProvider time, SidecarMetrics metrics)
{
    /// <summary>The agent's id.</summary>
    public string Id => id;

    /// <summary>How it takes part.</summary>
    public AgentPolicy Policy => policy;

    /// <summary>The version that new exchanges get.</summary>
    public AgentVersion Current => version;

    /// <summary>The bytes of bodies that may be held for it.</summary>
    public ByteBudget BodyMemory { get; init; } = new(Defaults.AgentBodyMemory, time);

    /// <summary>Its configuration.</summary>
    public AgentConfiguration Configuration { get; init; } = new();

    /// <summary>The clock of its calls.</summary>
    public TimeProvider Time => time;

    /// <summary>Where its calls are counted.</summary>
    public SidecarMetrics Metrics => metrics;

    /// <summary>The agent as its gauges show it.</summary>
    public AgentSnapshot Read()
    {
        var (pool, live) = (version.Pool, version.Pool.Live);
        var admission = pool.Admission;
        return new AgentSnapshot(id)
        {
            Connections = live.Count,
            Healthy = live.Count(static connection => connection.TakesNew),
            Paused = live.Count(static connection => connection.IsPaused),
            InFlight = live.Sum(static connection => connection.Connection.Stats.InFlight),
            Running = admission.Running,
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
