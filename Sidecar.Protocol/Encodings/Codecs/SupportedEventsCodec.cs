using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>The events an agent wants: numbers, or the names that peers use (spec §3.3). Unknown ones are skipped.</summary>
internal static class SupportedEventsCodec
{
    internal static EventSet Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        var events = EventSet.None;
        var scope = r.BeginArray();
        while (r.NextItem(ref scope))
        {
            switch (r.Kind)
            {
                case ValueKind.Number:
                    events |= KindOf(r.ReadInt64()).AsSet();
                    break;
                case ValueKind.String:
                    events |= KindOf(r.ReadString()).AsSet();
                    break;
                default:
                    r.Skip();
                    break;
            }
        }

        return events;
    }

    internal static void Write<TWriter>(ref TWriter w, EventSet events)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        var count = 0;
        for (var kind = EventKind.RequestHeaders; kind <= EventKind.Configure; kind++)
        {
            count += events.Has(kind) ? 1 : 0;
        }

        w.BeginArray(count);
        for (var kind = EventKind.RequestHeaders; kind <= EventKind.Configure; kind++)
        {
            if (events.Has(kind))
            {
                w.UInt64((ulong)kind);
            }
        }

        w.EndArray();
    }

    // The reference's proxy knows Configure as 0, everybody's agents write 8.
    private static EventKind KindOf(long number) => number switch
    {
        0 => EventKind.Configure,
        >= (long)EventKind.RequestHeaders and <= (long)EventKind.Configure => (EventKind)number,
        _ => EventKind.None,
    };

    private static EventKind KindOf(string name) => name.Replace('-', '_') switch
    {
        "request_headers" => EventKind.RequestHeaders,
        "request_body_chunk" or "request_body" => EventKind.RequestBodyChunk,
        "response_headers" => EventKind.ResponseHeaders,
        "response_body_chunk" or "response_body" => EventKind.ResponseBodyChunk,
        "request_complete" or "log" => EventKind.RequestComplete,
        "web_socket_frame" or "websocket_frame" => EventKind.WebSocketFrame,
        "guardrail_inspect" or "guardrail" => EventKind.GuardrailInspect,
        "configure" => EventKind.Configure,
        _ => EventKind.None,
    };
}
