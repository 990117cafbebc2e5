using Google.Protobuf;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>WebSocket frames (spec §7.3): the wire has kinds of its own and no place for index, end of message, route and client.</summary>
internal static class WebSocketMapping
{
    // By the wire's number; a continuation, which the wire does not know, is its unspecified kind.
    private static readonly WebSocketOpcode[] Kinds =
    [
        WebSocketOpcode.Continuation, WebSocketOpcode.Text, WebSocketOpcode.Binary,
        WebSocketOpcode.Ping, WebSocketOpcode.Pong, WebSocketOpcode.Close,
    ];

    public static Wire.WebSocketFrameEvent ToWire(WebSocketFrameEvent e) => new()
    {
        CorrelationId = e.CorrelationId.ToString(),
        ClientToServer = e.ClientToServer,
        FrameType = Math.Max(0, Array.IndexOf(Kinds, e.Opcode)),
        Payload = UnsafeByteOperations.UnsafeWrap(e.Data),
    };

    /// <summary>The frame as it was meant; the numbers of RFC 6455 above the wire's own are understood too.</summary>
    /// <exception cref="ProtocolException">It is of no kind that is known.</exception>
    public static WebSocketFrameEvent FromWire(Wire.WebSocketFrameEvent e) => new()
    {
        CorrelationId = CorrelationId.Parse(e.CorrelationId),
        ClientToServer = e.ClientToServer,
        Opcode = e.FrameType switch
        {
            >= 0 and <= 5 => Kinds[e.FrameType],
            >= (int)WebSocketOpcode.Close and <= (int)WebSocketOpcode.Pong => (WebSocketOpcode)e.FrameType,
            _ => throw new ProtocolException($"frame_type is {e.FrameType}; known are 0 to 5 and 8 to 10"),
        },
        Data = e.Payload.Memory,
        Fin = true,
    };
}
