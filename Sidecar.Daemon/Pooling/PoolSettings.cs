namespace Sidecar.Daemon.Pooling;

/// <summary>How many connections an agent gets and how they are kept.</summary>
internal sealed record PoolSettings
{
    /// <summary>The agent's id.</summary>
    public required string AgentId { get; init; }

    /// <summary>Connections to keep open.</summary>
    public required int Connections { get; init; }

    /// <summary>Shortest wait before dialling again.</summary>
    public required TimeSpan ReconnectMin { get; init; }

    /// <summary>Longest wait before dialling again.</summary>
    public required TimeSpan ReconnectMax { get; init; }

    /// <summary>How often an idle connection is asked for a sign of life.</summary>
    public required TimeSpan HealthInterval { get; init; }

    /// <summary>How long calls in flight may take when the pool stops.</summary>
    public required TimeSpan DrainTimeout { get; init; }
}
