namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>WebSocketFrame (spec §4.7), and what happens to it (spec §4.10, §4.12).</summary>
internal static partial class Codec<TReader, TWriter>
{
    /// <summary>The code of a close that names none: policy violation, RFC 6455 §7.4.1.</summary>
    private const ushort PolicyViolation = 1008;

    private const int CloseVariant = 2;
    private const int VariantType = 3;
    private const int CloseCode = 4;

    private static readonly MemberTable FrameMembers = new(
        8, "correlation_id", "opcode", "data", "client_to_server", "frame_index", "fin", "route_id", "client_ip");

    private static readonly WireNames<WebSocketOpcode> Opcodes = new(
        ("continuation", WebSocketOpcode.Continuation), ("text", WebSocketOpcode.Text), ("binary", WebSocketOpcode.Binary),
        ("close", WebSocketOpcode.Close), ("ping", WebSocketOpcode.Ping), ("pong", WebSocketOpcode.Pong));

    private static readonly MemberTable FrameDecisionMembers = new(0, "allow", "drop", "close", "type", "code", "reason");

    private static readonly Shape<WebSocketDecision> CloseDetail = new(
        "close",
        WebSocketDecision.Close(PolicyViolation, ""),
        new("code", (ref r, m) => m with { Code = r.ReadUInt16() }, (ref w, m) => w.UInt64(m.Code)),
        new("reason", (ref r, m) => m with { Reason = r.ReadString() }, (ref w, m) => w.String(m.Reason)));

    private static WebSocketFrameEvent ReadWebSocketFrame(ref TReader r)
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
        while (r.Next(ref scope, FrameMembers, out var member))
        {
            _ = member switch
            {
                0 => Set(out id, r.ReadCorrelationId()),
                1 => Set(out opcode, ReadOpcode(ref r)),
                2 => Set(out data, r.ReadBytes()),
                3 => Set(out clientToServer, r.ReadBoolean()),
                4 => Set(out index, r.ReadUInt64()),
                5 => Set(out fin, r.ReadBoolean()),
                6 => Set(out routeId, r.ReadString()),
                _ => Set(out clientIp, r.ReadString()),
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

    private static void WriteWebSocketFrame(ref TWriter w, WebSocketFrameEvent message)
    {
        w.BeginMap(8);
        w.Member("correlation_id"u8, message.CorrelationId);
        w.Member("opcode"u8, Opcodes.Of(message.Opcode));
        w.Key("data"u8);
        w.Base64(message.Data.Span);
        w.Member("client_to_server"u8, message.ClientToServer);
        w.Member("frame_index"u8, message.FrameIndex);
        w.Member("fin"u8, message.Fin);
        w.Member("route_id"u8, message.RouteId);
        w.Member("client_ip"u8, message.ClientIp);
        w.EndMap();
    }

    private static WebSocketOpcode ReadOpcode(ref TReader r)
    {
        if (r.Kind != ValueKind.Number)
        {
            return Opcodes.Parse("opcode", r.ReadString());
        }

        var number = r.ReadUInt64();
        return number is <= 2 or (>= 8 and <= 10)
            ? (WebSocketOpcode)number
            : throw new ProtocolException($"opcode is {number}; it must be 0, 1, 2, 8, 9 or 10");
    }

    private static WebSocketDecision ReadWebSocketDecision(ref TReader r)
    {
        var close = WebSocketDecision.Close(PolicyViolation, "");
        if (r.Kind is ValueKind.String or ValueKind.Binary)
        {
            return FrameDecisionOf(r.ReadString(), close);
        }

        string? kind = null;
        var scope = r.BeginMap();
        while (r.NextOrNull(ref scope, FrameDecisionMembers, out var member))
        {
            kind = member <= CloseVariant ? OnlyOne("websocket_decision", kind, FrameDecisionMembers.Name(member)) : kind;
            if (member < CloseVariant)
            {
                r.ReadNothing(kind!);
            }
            else if (r.Kind == ValueKind.Null)
            {
                r.Skip();
            }
            else if (member == VariantType)
            {
                kind = OnlyOne("websocket_decision", kind, r.ReadString());
            }
            else
            {
                close = member switch
                {
                    CloseVariant => CloseDetail.Read(ref r, close),
                    CloseCode => close with { Code = r.ReadUInt16() },
                    _ => close with { Reason = r.ReadString() },
                };
            }
        }

        return FrameDecisionOf(kind ?? "", close);
    }

    private static void WriteWebSocketDecision(ref TWriter w, WebSocketDecision? decision)
    {
        if (decision is not { Kind: WebSocketDecisionKind.Close })
        {
            w.String(decision is null ? null : decision.Kind == WebSocketDecisionKind.Allow ? "allow" : "drop");
            return;
        }

        w.BeginMap(1);
        w.Key("close"u8);
        CloseDetail.Write(ref w, decision);
        w.EndMap();
    }

    private static WebSocketDecision FrameDecisionOf(string kind, WebSocketDecision close) => kind switch
    {
        "allow" => WebSocketDecision.Allow,
        "drop" => WebSocketDecision.Drop,
        "close" => close,
        _ => throw ProtocolErrors.Unknown("websocket_decision", kind, "allow, drop and close"),
    };
}
