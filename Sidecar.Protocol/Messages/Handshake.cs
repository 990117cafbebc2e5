namespace Sidecar.Protocol.Messages;

/// <summary>The proxy's opening message (spec §3.1).</summary>
public sealed record HandshakeRequest
{
    /// <summary>Versions the proxy speaks, best first.</summary>
    public IReadOnlyList<uint> SupportedVersions { get; init; } = [];

    /// <summary>The proxy's name.</summary>
    public string ProxyId { get; init; } = "";

    /// <summary>The proxy's version.</summary>
    public string ProxyVersion { get; init; } = "";

    /// <summary>Initial configuration of the agent, any JSON value.</summary>
    public JsonElement? Config { get; init; }

    /// <summary>Encodings the proxy speaks, best first.</summary>
    public IReadOnlyList<string> SupportedEncodings { get; init; } = [];
}

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
