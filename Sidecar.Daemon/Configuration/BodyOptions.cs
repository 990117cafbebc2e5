namespace Sidecar.Daemon.Configuration;

/// <summary>How an agent is shown bodies, as the operator wrote it; null where the default counts.</summary>
internal sealed record BodyOptions
{
    /// <summary>Request bodies: collected, streamed, or both.</summary>
    public BodyMode RequestMode { get; init; } = BodyMode.Buffer;

    /// <summary>Response bodies likewise.</summary>
    public BodyMode ResponseMode { get; init; } = BodyMode.Buffer;

    /// <summary>In hybrid mode: bytes of a request body collected before the first question.</summary>
    public int RequestThreshold { get; init; } = Defaults.HybridThreshold;

    /// <summary>Likewise for responses.</summary>
    public int ResponseThreshold { get; init; } = Defaults.HybridThreshold;

    /// <summary>Largest request body in bytes.</summary>
    public long MaxRequestBytes { get; init; } = Defaults.MaxBodyBytes;

    /// <summary>Largest response body in bytes.</summary>
    public long MaxResponseBytes { get; init; } = Defaults.MaxBodyBytes;

    /// <summary>What happens beyond; null follows the failure mode: closed blocks, open skips.</summary>
    public ExcessAction? OnExcess { get; init; }

    /// <summary>Most bytes in one event.</summary>
    public int MaxEventBytes { get; init; } = int.MaxValue;

    /// <summary>Bytes held for the agent at once.</summary>
    public long Memory { get; init; } = Defaults.AgentBodyMemory;

    /// <summary>Whether the agent can do without bodies where the proxy hands none over.</summary>
    public bool IsOptional { get; init; }
}
