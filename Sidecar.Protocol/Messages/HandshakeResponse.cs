namespace Sidecar.Protocol.Messages;

/// <summary>The agent's answer to a handshake (spec §3.2).</summary>
public sealed record HandshakeResponse
{
    /// <summary>The version chosen; 0 in a refusal.</summary>
    public uint ProtocolVersion { get; init; }

    /// <summary>What the agent says of itself; written whole even in a refusal.</summary>
    public AgentCapabilities Capabilities { get; init; } = new();

    /// <summary>Whether the connection may be used.</summary>
    public bool Success { get; init; }

    /// <summary>Why not.</summary>
    public string? Error { get; init; }

    /// <summary>
    /// The encoding of everything that follows: <see cref="ProtocolConstants.Json"/> or <see cref="ProtocolConstants.MessagePack"/>.
    /// </summary>
    public string Encoding { get; init; } = ProtocolConstants.Json;
}
