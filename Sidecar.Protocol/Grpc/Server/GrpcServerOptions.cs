using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Sidecar.Protocol.Grpc.Server;

/// <summary>What a gRPC server bears of one call.</summary>
public sealed record GrpcServerOptions
{
    /// <summary>Longest message to accept, in bytes. Default 4 MiB, what gRPC libraries take.</summary>
    public int MaxReceiveLength { get; init; } = GrpcMessageFormat.DefaultMaxLength;

    /// <summary>Longest message to send, in bytes. Default 4 MiB: most clients refuse more.</summary>
    public int MaxSendLength { get; init; } = GrpcMessageFormat.DefaultMaxLength;

    /// <summary>
    /// Bounds large messages over all calls; the room of one is kept until the next is read or the call ends. Null for no bound but the one
    /// of each call.
    /// </summary>
    public IGrpcReceiveMemory? ReceiveMemory { get; init; }

    /// <summary>The clock of deadlines.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>
/// Limits of a Kestrel that speaks gRPC without TLS: HTTP/2 by prior knowledge, streams that live long and are often silent.
/// </summary>
public static class GrpcServerLimits
{
    /// <summary>
    /// Bytes of one stream that may come before they are read: 64 KiB. A larger message is read in pieces; so much may wait on every stream
    /// at once, so more would be dear.
    /// </summary>
    public const int StreamWindow = 64 * 1024;

    /// <summary>
    /// Streams of one connection at a time: 1,024. Envoy opens one per request; with too few, requests wait unseen in Envoy.
    /// </summary>
    public const int DefaultStreamsPerConnection = 1024;

    /// <summary>
    /// Sets the limits. Call it before the server starts; listening endpoints must say <see cref="HttpProtocols.Http2"/> themselves.
    /// </summary>
    /// <remarks>
    /// The connection window is that of all streams together, so that no unread stream can hold up another; with Kestrel's own 128 KiB two
    /// are enough. Minimum data rates are off, because a silent stream is no attack here: it would end the whole connection after 5 s.
    /// </remarks>
    /// <param name="server">The options of the server.</param>
    /// <param name="streamsPerConnection">Most streams of one connection at a time, 1 or more.</param>
    public static void Apply(KestrelServerOptions server, int streamsPerConnection = DefaultStreamsPerConnection)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentOutOfRangeException.ThrowIfLessThan(streamsPerConnection, 1);
        server.AddServerHeader = false;

        // Metadata is bytes to us: nothing a peer writes there shall break its connection.
        server.RequestHeaderEncodingSelector = static _ => Encoding.Latin1;
        var limits = server.Limits;
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.Http2.MaxStreamsPerConnection = streamsPerConnection;
        limits.Http2.InitialStreamWindowSize = StreamWindow;
        limits.Http2.InitialConnectionWindowSize = (int)Math.Min(int.MaxValue, (long)streamsPerConnection * StreamWindow);
    }
}
