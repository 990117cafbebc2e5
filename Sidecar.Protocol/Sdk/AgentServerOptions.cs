using System.Net;
using System.Net.Sockets;

namespace Sidecar.Protocol.Sdk;

/// <summary>How an agent that listens presents itself and what it bears.</summary>
public sealed record AgentServerOptions : AgentConnectionOptions
{
    /// <summary>The Unix socket to listen on; at most 107 bytes.</summary>
    public required string SocketPath { get; init; }

    /// <summary>Access rights of the socket file. 0660: the proxy's side is in the socket's group.</summary>
    public UnixFileMode SocketMode { get; init; } =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <summary>Makes the listening socket instead of the built-in way, for hosts with rules of their own.</summary>
    public Func<EndPoint, Socket>? CreateListenSocket { get; init; }

    /// <summary>Encodings the server accepts besides JSON. Off forces JSON, for debugging with a packet capture.</summary>
    public bool OffersMessagePack { get; init; } = true;

    /// <summary>Open connections: 1,024. Beyond it new ones are closed at once.</summary>
    public int MaxConnections { get; init; } = 1024;
}
