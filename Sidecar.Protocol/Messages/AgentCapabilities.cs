namespace Sidecar.Protocol.Messages;

/// <summary>What an agent says of itself in the handshake (spec §3.2).</summary>
public sealed record AgentCapabilities
{
    /// <summary>The agent's id.</summary>
    public string AgentId { get; init; } = "";

    /// <summary>Its name for people.</summary>
    public string Name { get; init; } = "";

    /// <summary>Its version.</summary>
    public string Version { get; init; } = "";

    /// <summary>The events it wants.</summary>
    public EventSet SupportedEvents { get; init; } = EventSet.RequestHeaders;

    /// <summary>What it can do.</summary>
    public AgentFeatures Features { get; init; } = new();

    /// <summary>How much it takes.</summary>
    public AgentLimits Limits { get; init; } = new();
}

/// <summary>What an agent can do (spec §3.2).</summary>
public sealed record AgentFeatures
{
    /// <summary>Bodies in pieces.</summary>
    public bool StreamingBody { get; init; }

    /// <summary>WebSocket frames.</summary>
    public bool WebSocket { get; init; }

    /// <summary>Guardrail inspection.</summary>
    public bool Guardrails { get; init; }

    /// <summary>Configuration while running.</summary>
    public bool ConfigPush { get; init; }

    /// <summary>Metrics reports.</summary>
    public bool MetricsExport { get; init; }

    /// <summary>How many requests it handles at once; 0 means unstated.</summary>
    public uint ConcurrentRequests { get; init; }

    /// <summary>Cancel messages take effect.</summary>
    public bool Cancellation { get; init; }

    /// <summary>Flow control messages.</summary>
    public bool FlowControl { get; init; }

    /// <summary>Health messages.</summary>
    public bool HealthReporting { get; init; }

    /// <summary>Private marker (spec Appendix B): body bytes may be sent raw in MessagePack, without base64.</summary>
    public bool BinaryBody { get; init; }
}

/// <summary>How much an agent takes (spec §3.2); 0 means unstated.</summary>
public sealed record AgentLimits
{
    /// <summary>Largest body in bytes. The protocol's default is 10 MiB.</summary>
    public ulong MaxBodySize { get; init; } = 10 * 1024 * 1024;

    /// <summary>Most requests at once. The protocol's default is 100.</summary>
    public uint MaxConcurrency { get; init; } = 100;

    /// <summary>Preferred size of a body piece in bytes. The protocol's default is 64 KiB.</summary>
    public ulong PreferredChunkSize { get; init; } = 64 * 1024;
}
