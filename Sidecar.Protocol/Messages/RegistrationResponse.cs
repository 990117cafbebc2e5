namespace Sidecar.Protocol.Messages;

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
