using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Flow control: a number, a name, or a tagged struct (spec §6.1).</summary>
internal static class FlowControlCodec
{
    private static readonly MemberTable Members = new(3, "correlation_id", "action", "timestamp_ms", "buffer_available");
    private static readonly MemberTable ActionMembers = new(2, "type", "buffer_available");

    internal static FlowControlSignal Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        CorrelationId id = default;
        FlowAction? action = null;
        ulong? available = null;
        ulong timestamp = 0;
        if (r.Kind is ValueKind.String or ValueKind.Binary)
        {
            action = ActionOf(r.ReadString());
            r.End();
            return new FlowControlSignal { Action = action.Value };
        }

        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            _ = member switch
            {
                // The numeric form as an array: [1].
                0 when r.Kind == ValueKind.Number => r.Into(out action, ReadAction(ref r, ref available)),
                0 => r.Into(ref id),
                1 => r.Into(out action, ReadAction(ref r, ref available)),
                2 => r.Into(ref timestamp),
                _ => r.Into(ref available),
            };
        }

        r.End();
        return new FlowControlSignal
        {
            Action = action ?? throw ProtocolErrors.Missing("FlowControl", "action"),
            CorrelationId = id,
            BufferAvailable = available,
            TimestampMs = timestamp,
        };
    }

    /// <summary>Writes one object that a reader of numbers and a reader of structs both understand.</summary>
    internal static void Write<TWriter>(ref TWriter w, FlowControlSignal message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(4);
        w.Member("action"u8, (ulong)message.Action);
        w.Key("correlation_id"u8);
        if (message.CorrelationId.IsEmpty)
        {
            w.Null();
        }
        else
        {
            w.Id(message.CorrelationId);
        }

        w.Member("buffer_available"u8, message.BufferAvailable);
        w.Member("timestamp_ms"u8, message.TimestampMs);
        w.EndMap();
    }

    private static FlowAction ReadAction<TReader>(ref TReader r, ref ulong? available)
        where TReader : struct, IValueReader, allows ref struct
    {
        switch (r.Kind)
        {
            case ValueKind.Number:
                return r.ReadInt64() switch
                {
                    1 => FlowAction.Pause,
                    2 => FlowAction.Resume,
                    3 => FlowAction.UpdateCapacity,
                    _ => FlowAction.Normal,
                };
            case ValueKind.String or ValueKind.Binary:
                return ActionOf(r.ReadString());
        }

        FlowAction? action = null;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, ActionMembers, out var member))
        {
            _ = member == 0 ? r.Into(out action, ActionOf(r.ReadString())) : r.Into(ref available);
        }

        return action ?? throw ProtocolErrors.Missing("action", "type");
    }

    private static FlowAction ActionOf(string name) => name switch
    {
        "pause" => FlowAction.Pause,
        "resume" => FlowAction.Resume,
        "update_capacity" => FlowAction.UpdateCapacity,
        _ => FlowAction.Normal,
    };
}
