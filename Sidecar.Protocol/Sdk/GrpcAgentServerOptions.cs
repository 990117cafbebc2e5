using System.Net;

namespace Sidecar.Protocol.Sdk;

/// <summary>How an agent that serves gRPC presents itself and what it bears.</summary>
public sealed record GrpcAgentServerOptions : AgentConnectionOptions
{
    /// <summary>
    /// Where to listen: an IP address with port (0 for any that is free), or a <see cref="System.Net.Sockets.UnixDomainSocketEndPoint"/>.
    /// </summary>
    public required EndPoint EndPoint { get; init; }

    /// <summary>Access rights of the socket file, for Unix sockets. 0660: the proxy's side is in the socket's group.</summary>
    public UnixFileMode SocketMode { get; init; } =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <summary>
    /// TLS; null for cleartext HTTP/2 by prior knowledge, right on one machine and in networks that encrypt by themselves.
    /// </summary>
    public GrpcAgentTls? Tls { get; init; }

    /// <summary>Open streams: 1,024. Beyond it new ones are refused with RESOURCE_EXHAUSTED.</summary>
    public int MaxConnections { get; init; } = 1024;
}

/// <summary>The files of an agent's TLS; they are read again when they have changed, for connections made after that.</summary>
public sealed record GrpcAgentTls
{
    /// <summary>The agent's certificate, PEM; certificates of issuers may follow it.</summary>
    public required string CertificatePath { get; init; }

    /// <summary>Its private key, PEM.</summary>
    public required string KeyPath { get; init; }

    /// <summary>
    /// Certificates of those who issue clients' certificates, PEM. When given, clients without one of theirs are refused.
    /// </summary>
    public string? ClientCaPath { get; init; }
}
