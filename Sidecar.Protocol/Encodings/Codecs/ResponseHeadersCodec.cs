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
            switch (member)
            {
                case 0:
                    id = r.ReadCorrelationId();
                    break;
                case 1:
                    status = r.ReadUInt16();
                    break;
                case 2:
                    headers = r.ReadHeaders();
                    break;
            }
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
        w.Key("correlation_id"u8);
        w.Id(message.CorrelationId);
        w.Key("status"u8);
        w.UInt64(message.Status);
        w.Key("headers"u8);
        w.Headers(message.Headers);
        w.EndMap();
    }
}
