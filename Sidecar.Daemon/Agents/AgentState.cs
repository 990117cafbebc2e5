using Sidecar.Daemon.Configuration;
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

    /// <summary>The clock of its calls.</summary>
    public TimeProvider Time => time;

    /// <summary>Where its calls are counted.</summary>
    public SidecarMetrics Metrics => metrics;
}
