using System.Text.Json;

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
