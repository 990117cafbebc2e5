using Google.Protobuf;
using Sidecar.Protocol.Messages;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>WebSocket frames (spec §7.3): the wire has kinds of its own and no place for index, end of message, route and client.</summary>
internal static class WebSocketMapping
{
    private const int Continuation = 0;
    private const int Text = 1;
    private const int Binary = 2;
    private const int Ping = 3;
    private const int Pong = 4;
    private const int Close = 5;

    /// <summary>The frame as it is sent. A continuation, which the wire does not know, is its unspecified kind.</summary>
    public static Wire.WebSocketFrameEvent ToWire(WebSocketFrameEvent e) => new()
    {
        CorrelationId = e.CorrelationId.ToString(),
        ClientToServer = e.ClientToServer,
        FrameType = e.Opcode switch
        {
            WebSocketOpcode.Text => Text,
            WebSocketOpcode.Binary => Binary,
            WebSocketOpcode.Ping => Ping,
            WebSocketOpcode.Pong => Pong,
            WebSocketOpcode.Close => Close,
            _ => Continuation,
        },
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
            Continuation => WebSocketOpcode.Continuation,
            Text => WebSocketOpcode.Text,
            Binary => WebSocketOpcode.Binary,
            Ping or (int)WebSocketOpcode.Ping => WebSocketOpcode.Ping,
            Pong or (int)WebSocketOpcode.Pong => WebSocketOpcode.Pong,
            Close or (int)WebSocketOpcode.Close => WebSocketOpcode.Close,
            _ => throw new ProtocolException($"frame_type is {e.FrameType}; known are 0 to 5 and 8 to 10"),
        },
        Data = e.Payload.Memory,
        Fin = true,
    };
}
