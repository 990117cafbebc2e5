using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>ResponseHeaders (spec §4.5).</summary>
internal static class ResponseHeadersCodec
{
    private static readonly MemberTable Members = new(3, "correlation_id", "status", "headers");

    internal static ResponseHeadersEvent Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        CorrelationId id = default;
        ushort? status = null;
        HeaderBlock? headers = null;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            _ = member switch
            {
                0 => r.Into(ref id),
                1 => r.Into(ref status),
                _ => r.Into(ref headers),
            };
        }

        return new ResponseHeadersEvent
        {
            CorrelationId = id,
            Status = status ?? throw ProtocolErrors.Missing("ResponseHeaders", "status"),
            Headers = headers ?? new HeaderBlock(0, 0),
        };
    }

    internal static void Write<TWriter>(ref TWriter w, ResponseHeadersEvent message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(3);
        w.Member("correlation_id"u8, message.CorrelationId);
        w.Member("status"u8, message.Status);
        w.Member("headers"u8, message.Headers);
        w.EndMap();
    }
}
