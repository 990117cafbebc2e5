namespace Sidecar.Protocol.Messages;

/// <summary>How an agent is (spec §6.2).</summary>
public enum HealthState
{
    /// <summary>Not said, or no longer valid: taken as healthy.</summary>
    Unknown = 0,

    /// <summary><c>healthy</c></summary>
    Healthy = 1,

    /// <summary><c>degraded</c>: slower; call timeouts are multiplied.</summary>
    Degraded = 2,

    /// <summary><c>draining</c>: takes no new exchange.</summary>
    Draining = 3,

    /// <summary><c>unhealthy</c>: takes no new exchange.</summary>
    Unhealthy = 4,
}

/// <summary>An agent's report of its health (spec §6.2).</summary>
public sealed record HealthStatus
{
    /// <summary>The agent's id as it says; the connection's agent id is what counts.</summary>
    public string AgentId { get; init; } = "";

    /// <summary>How it is.</summary>
    public HealthState State { get; init; }

    /// <summary>For people.</summary>
    public string? Message { get; init; }

    /// <summary>Degraded: what is switched off.</summary>
    public IReadOnlyList<string> DisabledFeatures { get; init; } = [];

    /// <summary>Degraded: by how much to stretch call timeouts; 1 when not said.</summary>
    public float TimeoutMultiplier { get; init; } = 1;

    /// <summary>Draining: expected milliseconds until it is done.</summary>
    public ulong? DrainEtaMs { get; init; }

    /// <summary>Unhealthy: why.</summary>
    public string? UnhealthyReason { get; init; }

    /// <summary>Unhealthy: false means only a new connection helps.</summary>
    public bool Recoverable { get; init; } = true;

    /// <summary>How busy it is.</summary>
    public LoadMetrics? Load { get; init; }

    /// <summary>What it uses.</summary>
    public ResourceMetrics? Resources { get; init; }

    /// <summary>After this moment (Unix milliseconds) the report no longer counts.</summary>
    public ulong? ValidUntilMs { get; init; }

    /// <summary>When, in Unix milliseconds.</summary>
    public ulong TimestampMs { get; init; }
}

/// <summary>How busy an agent is (spec §6.2).</summary>
public sealed record LoadMetrics
{
    /// <summary>Requests in work.</summary>
    public uint InFlight { get; init; }

    /// <summary>Requests waiting.</summary>
    public uint QueueDepth { get; init; }

    /// <summary>Mean latency in milliseconds.</summary>
    public float AvgLatencyMs { get; init; }

    /// <summary>Median latency in milliseconds.</summary>
    public float P50LatencyMs { get; init; }

    /// <summary>95th percentile in milliseconds.</summary>
    public float P95LatencyMs { get; init; }

    /// <summary>99th percentile in milliseconds.</summary>
    public float P99LatencyMs { get; init; }

    /// <summary>Requests done.</summary>
    public ulong RequestsProcessed { get; init; }

    /// <summary>Requests refused.</summary>
    public ulong RequestsRejected { get; init; }

    /// <summary>Requests that ran out of time.</summary>
    public ulong RequestsTimedOut { get; init; }
}

/// <summary>What an agent uses (spec §6.2); null where it does not say.</summary>
public sealed record ResourceMetrics
{
    /// <summary>Processor use in percent.</summary>
    public float? CpuPercent { get; init; }

    /// <summary>Memory in bytes.</summary>
    public ulong? MemoryBytes { get; init; }

    /// <summary>Memory limit in bytes.</summary>
    public ulong? MemoryLimit { get; init; }

    /// <summary>Threads.</summary>
    public uint? ActiveThreads { get; init; }

    /// <summary>Open file descriptors.</summary>
    public uint? OpenFds { get; init; }

    /// <summary>Limit of file descriptors.</summary>
    public uint? FdLimit { get; init; }

    /// <summary>Open connections.</summary>
    public uint? Connections { get; init; }
}
