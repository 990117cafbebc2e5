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
            _ = member switch
            {
                0 => r.Into(ref id),
                1 => r.Into(ref status),
                2 => r.Into(ref duration),
                3 => r.Into(ref requestSize),
                4 => r.Into(ref responseSize),
                5 => r.Into(ref attempts),
                _ => r.Into(ref error),
            };
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
        w.Member("correlation_id"u8, message.CorrelationId);
        w.Member("status"u8, message.Status);
        w.Member("duration_ms"u8, message.DurationMs);
        w.Member("request_body_size"u8, message.RequestBodySize);
        w.Member("response_body_size"u8, message.ResponseBodySize);
        w.Member("upstream_attempts"u8, message.UpstreamAttempts);
        w.Member("error"u8, message.Error);
        w.EndMap();
    }
}
