using System.Net;
using System.Net.Sockets;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Agents;

/// <summary>How an agent presents itself and what it bears.</summary>
public sealed record AgentServerOptions
{
    /// <summary>What the agent says of itself in every handshake.</summary>
    public required AgentCapabilities Capabilities { get; init; }

    /// <summary>The Unix socket to listen on; at most 107 bytes.</summary>
    public required string SocketPath { get; init; }

    /// <summary>Access rights of the socket file. 0660: the proxy's side is in the socket's group.</summary>
    public UnixFileMode SocketMode { get; init; } =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <summary>Makes the listening socket instead of the built-in way, for hosts with rules of their own.</summary>
    public Func<EndPoint, Socket>? CreateListenSocket { get; init; }

    /// <summary>What is answered where no decision could be made. Status 500, so that the asker's failure policy sees an error, not a verdict.</summary>
    public BlockDecision ErrorDecision { get; init; } = new(500);

    /// <summary>Encodings the server accepts besides JSON. Off forces JSON, for debugging with a packet capture.</summary>
    public bool OffersMessagePack { get; init; } = true;

    /// <summary>Events of one connection that may be outstanding: 4,096, sixteen times what our own daemon sends at once. Beyond it events are refused.</summary>
    public int MaxOutstandingEvents { get; init; } = 4096;

    /// <summary>
    /// Bytes of the events of one connection that may be outstanding: 64 MiB, four of the largest frames or a thousand pieces of 64 KiB. Beyond
    /// it events are refused; one event alone is always taken.
    /// </summary>
    public long MaxOutstandingBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Open connections: 1,024. Beyond it new ones are closed at once.</summary>
    public int MaxConnections { get; init; } = 1024;

    /// <summary>How long a new connection may take to introduce itself: 10 s.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an answer may wait for a peer that does not read before the connection is given up: 30 s.</summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long events in work may take to finish when the server stops: 10 s.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Bounds of each connection.</summary>
    public FrameConnectionOptions Connection { get; init; } = FrameConnectionOptions.Default;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
