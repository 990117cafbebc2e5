namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Cancel (spec §6.6), ping and the pong that repeats it (spec §6.7), and flow control (spec §6.1).</summary>
internal static partial class Codec<TReader, TWriter>
{
    /// <summary>A cancel: the reason as a number, a name or a tagged struct.</summary>
    internal static readonly Shape<CancelRequest> Cancel = new(
        "Cancel",
        new CancelRequest(default, CancelReason.Manual, 0),
        new("correlation_id", (ref r, m) => m with { CorrelationId = r.ReadCorrelationId() },
            (ref w, m) => w.Id(m.CorrelationId), IsRequired: true),
        new("reason", (ref r, m) => m with { Reason = ReadReason(ref r) }, (ref w, m) => w.UInt64((ulong)m.Reason)),
        new("timestamp_ms", (ref r, m) => m with { TimestampMs = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.TimestampMs)));

    internal static readonly Shape<PingMessage> Ping = new(
        "Ping",
        default,
        new("sequence", (ref r, m) => m with { Sequence = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.Sequence)),
        new("timestamp_ms", (ref r, m) => m with { TimestampMs = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.TimestampMs)));

    // Before any member has come, for 0 is said by who says it.
    private const FlowAction NoAction = (FlowAction)(-1);

    private static readonly WireNames<CancelReason> CancelReasons = new(
        ("client_disconnect", CancelReason.ClientDisconnect), ("timeout", CancelReason.Timeout),
        ("blocked_by_agent", CancelReason.BlockedByAgent), ("upstream_error", CancelReason.UpstreamError),
        ("proxy_shutdown", CancelReason.ProxyShutdown));

    private static readonly WireNames<FlowAction> FlowActions = new(
        ("pause", FlowAction.Pause), ("resume", FlowAction.Resume), ("update_capacity", FlowAction.UpdateCapacity));

    private static readonly MemberTable ReasonMembers = new(1, "type");

    // Written as one object that a reader of numbers and a reader of structs both understand.
    private static readonly Shape<FlowControlSignal> FlowControl = new(
        "FlowControl",
        new FlowControlSignal { Action = NoAction },
        new("action", ReadAction, (ref w, m) => w.UInt64((ulong)m.Action)),

        // The numeric form as an array: [1].
        new("correlation_id",
            (ref r, m) => r.Kind == ValueKind.Number ? ReadAction(ref r, m) : m with { CorrelationId = r.ReadCorrelationId() },
            (ref w, m) => w.IdOrNull(m.CorrelationId)),
        new("buffer_available", (ref r, m) => m with { BufferAvailable = r.ReadUInt64() }, (ref w, m) => w.UInt64OrNull(m.BufferAvailable)),
        new("timestamp_ms", (ref r, m) => m with { TimestampMs = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.TimestampMs)))
    {
        InArrays = ["correlation_id", "action", "timestamp_ms"],
    };

    private static readonly Shape<FlowControlSignal> TaggedAction = new(
        "action",
        new FlowControlSignal(),
        new("type", (ref r, m) => m with { Action = FlowActions.Find(r.ReadString()) ?? FlowAction.Normal }, IsRequired: true),
        new("buffer_available", (ref r, m) => m with { BufferAvailable = r.ReadUInt64() }));

    internal static FlowControlSignal ReadFlowControl(ref TReader r)
    {
        var signal = r.Kind is ValueKind.String or ValueKind.Binary ? ReadAction(ref r, new FlowControlSignal()) : FlowControl.Read(ref r);
        return signal.Action != NoAction ? signal : throw ProtocolErrors.Missing("FlowControl", "action");
    }

    internal static void WriteFlowControl(ref TWriter w, FlowControlSignal message) => FlowControl.Write(ref w, message);

    private static FlowControlSignal ReadAction(ref TReader r, FlowControlSignal signal)
    {
        switch (r.Kind)
        {
            case ValueKind.Number:
                var number = r.ReadInt64();
                return signal with { Action = number is >= 1 and <= 3 ? (FlowAction)number : FlowAction.Normal };
            case ValueKind.String or ValueKind.Binary:
                return signal with { Action = FlowActions.Find(r.ReadString()) ?? FlowAction.Normal };
            default:
                return TaggedAction.Read(ref r, signal);
        }
    }

    // The cancel counts whatever its reason, so a reason we do not know is only somebody's.
    private static CancelReason ReadReason(ref TReader r)
    {
        if (r.Kind == ValueKind.Number)
        {
            var number = r.ReadInt64();
            return number is >= 0 and <= (long)CancelReason.Manual ? (CancelReason)number : CancelReason.Manual;
        }

        if (r.Kind is ValueKind.String or ValueKind.Binary)
        {
            return CancelReasons.Find(r.ReadString()) ?? CancelReason.Manual;
        }

        var reason = CancelReason.Manual;
        for (var scope = r.BeginStruct(); r.Next(ref scope, ReasonMembers, out _);)
        {
            reason = CancelReasons.Find(r.ReadString()) ?? CancelReason.Manual;
        }

        return reason;
    }
}
