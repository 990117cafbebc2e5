using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Pooling;

/// <summary>How many connections an agent gets, how they are kept, and how many calls may be under way.</summary>
internal sealed record PoolSettings
{
    /// <summary>The agent's id.</summary>
    public required string AgentId { get; init; }

    /// <summary>Connections to keep open, over all endpoints; at least one per endpoint is kept whatever this says.</summary>
    public required int Connections { get; init; }

    /// <summary>Shortest wait before dialling again.</summary>
    public required TimeSpan ReconnectMin { get; init; }

    /// <summary>Longest wait before dialling again.</summary>
    public required TimeSpan ReconnectMax { get; init; }

    /// <summary>How often an idle connection is asked for a sign of life.</summary>
    public required TimeSpan HealthInterval { get; init; }

    /// <summary>How long calls in flight may take when the pool stops.</summary>
    public required TimeSpan DrainTimeout { get; init; }

    /// <summary>Failed attempts after which the agent is reported unhealthy and nobody waits for it any more.</summary>
    public int UnhealthyAfter { get; init; } = CallSettings.UnhealthyAfter.Default;

    /// <summary>Calls under way at once on one connection, never above what the agent states; 0 for as many as its dialer was told.</summary>
    public int CallsPerConnection { get; init; }

    /// <summary>Calls under way at once, over all connections; 0 for as many as the agent works on (<see cref="CallLimit"/>).</summary>
    public int MaxCalls { get; init; } = int.MaxValue;

    /// <summary>Calls that may wait for a slot or a connection; 0 means that none waits.</summary>
    public int Queue { get; init; }

    /// <summary>
    /// How long a call waits for a slot or a connection, inside its own deadline; <see cref="TimeSpan.MaxValue"/> for as long as it can still be answered.
    /// </summary>
    public TimeSpan QueueWait { get; init; }

    /// <summary>How long a call waits for an agent that is not there now, inside its own deadline.</summary>
    public TimeSpan AbsentWait => QueueWait == TimeSpan.MaxValue ? Defaults.AbsentWait : QueueWait;

    /// <summary>Of the connections, in percent, as many may be taken out for errors while the agent answers on others.</summary>
    public int MaxEjectedPercent { get; init; } = CallSettings.MaxEjected.Default;

    /// <summary>How long a call waits for an agent that has asked to be sent nothing, inside its own deadline; zero fails it at once.</summary>
    public TimeSpan FlowWait { get; init; }

    /// <summary>How long a sticky session may be unused; <see cref="TimeSpan.MaxValue"/> for ever.</summary>
    public TimeSpan StickyTimeout { get; init; } = CallSettings.StickyTimeout.Default;

    /// <summary>Sticky sessions kept.</summary>
    public int StickySessions { get; init; } = CallSettings.StickySessions.Default;

    /// <summary>When the agent is not asked for a while because its calls fail.</summary>
    public BreakerSettings Breaker { get; init; } = BreakerSettings.Off;
}
