using System.Net;
using System.Net.Security;

namespace Sidecar.Protocol.Grpc.Client;

/// <summary>Where a channel leads and what it bears.</summary>
public sealed record GrpcChannelOptions
{
    /// <summary>The server: a Unix socket, an IP address with port, or a host name with port.</summary>
    public required EndPoint EndPoint { get; init; }

    /// <summary>What the server reads as <c>:authority</c>. Default <c>localhost</c>, as other clients say over Unix sockets.</summary>
    public string Authority { get; init; } = "localhost";

    /// <summary>TLS; null for cleartext. There is no way from one to the other: what cannot be encrypted as asked is not sent.</summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>How long connecting may take. Default 1 s, ample on one machine.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest message to accept, in bytes. Default 4 MiB, what gRPC libraries take.</summary>
    public int MaxReceiveLength { get; init; } = GrpcMessageFormat.DefaultMaxLength;

    /// <summary>Longest message to send, in bytes. Default 4 MiB: most servers refuse more.</summary>
    public int MaxSendLength { get; init; } = GrpcMessageFormat.DefaultMaxLength;

    /// <summary>
    /// Silence after which the connection is tested with a ping, at least 1 s. Default never: on one machine a peer that dies closes its
    /// sockets.
    /// </summary>
    public TimeSpan KeepAlivePingDelay { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>
    /// How long the answer to such a ping may take before the connection counts as dead, at least 1 s. Default 20 s, as in other gRPC
    /// clients.
    /// </summary>
    public TimeSpan KeepAlivePingTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The clock of deadlines.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
