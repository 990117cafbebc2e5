namespace Sidecar.Protocol.Messages;

/// <summary>The first message of an agent that dials in (spec §8).</summary>
public sealed record RegistrationRequest
{
    /// <summary>Must be 2.</summary>
    public uint ProtocolVersion { get; init; }

    /// <summary>Which agent this is; not empty.</summary>
    public string AgentId { get; init; } = "";

    /// <summary>What the agent says of itself.</summary>
    public AgentCapabilities Capabilities { get; init; } = new();

    /// <summary>Secret bound to the agent id.</summary>
    public string? AuthToken { get; init; }

    /// <summary>Free facts.</summary>
    public JsonElement? Metadata { get; init; }
}

/// <summary>The answer to a registration (spec §8).</summary>
public sealed record RegistrationResponse
{
    /// <summary>Whether the connection may be used.</summary>
    public bool Success { get; init; }

    /// <summary>Why not.</summary>
    public string? Error { get; init; }

    /// <summary>The proxy's name.</summary>
    public string ProxyId { get; init; } = "";

    /// <summary>The proxy's version.</summary>
    public string ProxyVersion { get; init; } = "";

    /// <summary>A random id of this connection; empty in a refusal.</summary>
    public string ConnectionId { get; init; } = "";
}
