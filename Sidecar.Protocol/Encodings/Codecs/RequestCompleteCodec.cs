using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>RequestComplete (spec §4.6). Nothing but the id matters to an agent that frees its state, so every member may be missing.</summary>
internal static class RequestCompleteCodec
{
    private static readonly MemberTable Members = new(
        7, "correlation_id", "status", "duration_ms", "request_body_size", "response_body_size", "upstream_attempts", "error");

    internal static RequestCompleteEvent Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        CorrelationId id = default;
        ushort status = 0;
        ulong duration = 0, requestSize = 0, responseSize = 0;
        uint attempts = 0;
        string? error = null;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            switch (member)
            {
                case 0:
                    id = r.ReadCorrelationId();
                    break;
                case 1:
                    status = r.ReadUInt16();
                    break;
                case 2:
                    duration = r.ReadUInt64();
                    break;
                case 3:
                    requestSize = r.ReadUInt64();
                    break;
                case 4:
                    responseSize = r.ReadUInt64();
                    break;
                case 5:
                    attempts = r.ReadUInt32();
                    break;
                case 6:
                    error = r.ReadString();
                    break;
            }
        }

        return new RequestCompleteEvent
        {
            CorrelationId = id,
            Status = status,
            DurationMs = duration,
            RequestBodySize = requestSize,
            ResponseBodySize = responseSize,
            UpstreamAttempts = attempts,
            Error = error,
        };
    }

    internal static void Write<TWriter>(ref TWriter w, RequestCompleteEvent message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(7);
        w.Key("correlation_id"u8);
        w.Id(message.CorrelationId);
        w.Key("status"u8);
        w.UInt64(message.Status);
        w.Key("duration_ms"u8);
        w.UInt64(message.DurationMs);
        w.Key("request_body_size"u8);
        w.UInt64(message.RequestBodySize);
        w.Key("response_body_size"u8);
        w.UInt64(message.ResponseBodySize);
        w.Key("upstream_attempts"u8);
        w.UInt64(message.UpstreamAttempts);
        w.Key("error"u8);
        w.StringOrNull(message.Error);
        w.EndMap();
    }
}
