using System.Text.Json;

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
