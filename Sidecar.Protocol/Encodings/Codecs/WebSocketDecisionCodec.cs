using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>What happens to a WebSocket frame (spec §4.10, §4.12).</summary>
internal static class WebSocketDecisionCodec
{
    /// <summary>The code of a close that names none: policy violation, RFC 6455 §7.4.1.</summary>
    private const ushort PolicyViolation = 1008;

    private const int Close = 2;
    private const int Type = 3;
    private const int Code = 4;

    private static readonly MemberTable Members = new(0, "allow", "drop", "close", "type", "code", "reason");
    private static readonly MemberTable CloseMembers = Members.InOrder("code", "reason");

    internal static WebSocketDecision Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        if (r.Kind is ValueKind.String or ValueKind.Binary)
        {
            return Build(r.ReadString(), PolicyViolation, "");
        }

        string? kind = null;
        var code = PolicyViolation;
        var reason = "";
        var scope = r.BeginMap();
        while (r.NextOrNull(ref scope, Members, out var member))
        {
            if (member <= Close)
            {
                kind = DecisionCodec.OnlyOne("websocket_decision", kind, Members.Name(member));
                if (member != Close)
                {
                    r.ReadNothing(kind);
                }
                else if (r.Kind == ValueKind.Null)
                {
                    r.Skip();
                }
                else
                {
                    ReadClose(ref r, ref code, ref reason);
                }
            }
            else if (r.Kind == ValueKind.Null)
            {
                r.Skip();
            }
            else if (member == Type)
            {
                kind = DecisionCodec.OnlyOne("websocket_decision", kind, r.ReadString());
            }
            else
            {
                ReadMember(ref r, member, ref code, ref reason);
            }
        }

        return Build(kind ?? "", code, reason);
    }

    internal static void Write<TWriter>(ref TWriter w, WebSocketDecision? decision)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        if (decision is null)
        {
            w.Null();
            return;
        }

        if (decision.Kind != WebSocketDecisionKind.Close)
        {
            w.String(decision.Kind == WebSocketDecisionKind.Allow ? "allow" : "drop");
            return;
        }

        w.BeginMap(1);
        w.Key("close"u8);
        w.BeginMap(2);
        w.Member("code"u8, decision.Code);
        w.Member("reason"u8, decision.Reason);
        w.EndMap();
        w.EndMap();
    }

    private static void ReadClose<TReader>(ref TReader r, ref ushort code, ref string reason)
        where TReader : struct, IValueReader, allows ref struct
    {
        var scope = r.BeginStruct();
        while (r.Next(ref scope, CloseMembers, out var member))
        {
            if (member >= Code)
            {
                ReadMember(ref r, member, ref code, ref reason);
            }
            else
            {
                r.Skip();
            }
        }
    }

    private static void ReadMember<TReader>(ref TReader r, int member, ref ushort code, ref string reason)
        where TReader : struct, IValueReader, allows ref struct
    {
        if (member == Code)
        {
            code = r.ReadUInt16();
        }
        else
        {
            reason = r.ReadString();
        }
    }

    private static WebSocketDecision Build(string kind, ushort code, string reason) => kind switch
    {
        "allow" => WebSocketDecision.Allow,
        "drop" => WebSocketDecision.Drop,
        "close" => WebSocketDecision.Close(code, reason),
        _ => throw ProtocolErrors.Unknown("websocket_decision", kind, "allow, drop and close"),
    };
}
