using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Cancel: the reason as a number, a name or a tagged struct (spec §6.6).</summary>
internal static class CancelCodec
{
    private static readonly MemberTable Members = new(3, "correlation_id", "reason", "timestamp_ms");
    private static readonly MemberTable ReasonMembers = new(1, "type");

    internal static CancelRequest Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        CorrelationId? id = null;
        var reason = CancelReason.Manual;
        ulong timestamp = 0;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            _ = member switch
            {
                0 => r.Into(ref id),
                1 => r.Into(out reason, ReadReason(ref r)),
                _ => r.Into(ref timestamp),
            };
        }

        r.End();
        return new CancelRequest(id ?? throw ProtocolErrors.Missing("Cancel", "correlation_id"), reason, timestamp);
    }

    internal static void Write<TWriter>(ref TWriter w, CancelRequest message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(3);
        w.Member("correlation_id"u8, message.CorrelationId);
        w.Member("reason"u8, (ulong)message.Reason);
        w.Member("timestamp_ms"u8, message.TimestampMs);
        w.EndMap();
    }

    // The cancel counts whatever its reason, so a reason we do not know is only somebody's.
    private static CancelReason ReadReason<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        if (r.Kind == ValueKind.Number)
        {
            var number = r.ReadInt64();
            return number is >= 0 and <= (long)CancelReason.Manual ? (CancelReason)number : CancelReason.Manual;
        }

        if (r.Kind is ValueKind.String or ValueKind.Binary)
        {
            return ReasonOf(r.ReadString());
        }

        var reason = CancelReason.Manual;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, ReasonMembers, out _))
        {
            reason = ReasonOf(r.ReadString());
        }

        return reason;
    }

    private static CancelReason ReasonOf(string name) => name switch
    {
        "client_disconnect" => CancelReason.ClientDisconnect,
        "timeout" => CancelReason.Timeout,
        "blocked_by_agent" => CancelReason.BlockedByAgent,
        "upstream_error" => CancelReason.UpstreamError,
        "proxy_shutdown" => CancelReason.ProxyShutdown,
        _ => CancelReason.Manual,
    };
}
