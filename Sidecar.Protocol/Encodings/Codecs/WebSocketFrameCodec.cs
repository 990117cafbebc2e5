using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>WebSocketFrame (spec §4.7).</summary>
internal static class WebSocketFrameCodec
{
    private static readonly MemberTable Members = new(
        8, "correlation_id", "opcode", "data", "client_to_server", "frame_index", "fin", "route_id", "client_ip");

    internal static WebSocketFrameEvent Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        CorrelationId id = default;
        WebSocketOpcode? opcode = null;
        ReadOnlyMemory<byte>? data = null;
        bool? clientToServer = null;
        ulong index = 0;
        var fin = true;
        string? routeId = null;
        var clientIp = "";
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            _ = member switch
            {
                0 => r.Into(ref id),
                1 => r.Into(out opcode, ReadOpcode(ref r)),
                2 => r.Into(ref data),
                3 => r.Into(ref clientToServer),
                4 => r.Into(ref index),
                5 => r.Into(ref fin),
                6 => r.Into(ref routeId),
                _ => r.Into(ref clientIp),
            };
        }

        return new WebSocketFrameEvent
        {
            CorrelationId = id,
            Opcode = opcode ?? throw ProtocolErrors.Missing("WebSocketFrame", "opcode"),
            Data = data ?? throw ProtocolErrors.Missing("WebSocketFrame", "data"),
            ClientToServer = clientToServer ?? throw ProtocolErrors.Missing("WebSocketFrame", "client_to_server"),
            FrameIndex = index,
            Fin = fin,
            RouteId = routeId,
            ClientIp = clientIp,
        };
    }

    internal static void Write<TWriter>(ref TWriter w, WebSocketFrameEvent message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(8);
        w.Member("correlation_id"u8, message.CorrelationId);
        w.Member("opcode"u8, NameOf(message.Opcode));
        w.Key("data"u8);
        w.Base64(message.Data.Span);
        w.Member("client_to_server"u8, message.ClientToServer);
        w.Member("frame_index"u8, message.FrameIndex);
        w.Member("fin"u8, message.Fin);
        w.Member("route_id"u8, message.RouteId);
        w.Member("client_ip"u8, message.ClientIp);
        w.EndMap();
    }

    private static WebSocketOpcode ReadOpcode<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        if (r.Kind == ValueKind.Number)
        {
            var number = r.ReadUInt64();
            return number is <= 2 or (>= 8 and <= 10)
                ? (WebSocketOpcode)number
                : throw new ProtocolException($"opcode is {number}; it must be 0, 1, 2, 8, 9 or 10");
        }

        var name = r.ReadString();
        return name switch
        {
            "continuation" => WebSocketOpcode.Continuation,
            "text" => WebSocketOpcode.Text,
            "binary" => WebSocketOpcode.Binary,
            "close" => WebSocketOpcode.Close,
            "ping" => WebSocketOpcode.Ping,
            "pong" => WebSocketOpcode.Pong,
            _ => throw ProtocolErrors.Unknown("opcode", name, "continuation, text, binary, close, ping and pong"),
        };
    }

    private static string NameOf(WebSocketOpcode opcode) => opcode switch
    {
        WebSocketOpcode.Continuation => "continuation",
        WebSocketOpcode.Text => "text",
        WebSocketOpcode.Binary => "binary",
        WebSocketOpcode.Close => "close",
        WebSocketOpcode.Ping => "ping",
        WebSocketOpcode.Pong => "pong",
        _ => throw new ArgumentOutOfRangeException(nameof(opcode), opcode, "not an opcode of RFC 6455"),
    };
}
