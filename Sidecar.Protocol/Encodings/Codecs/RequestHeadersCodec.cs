using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>RequestHeaders (spec §4.3).</summary>
internal static class RequestHeadersCodec
{
    private const int CorrelationIdMember = 0;
    private const int MetadataMember = 1;
    private const int Method = 2;
    private const int Uri = 3;
    private const int Headers = 4;

    // The id belongs to the wrapper, which is always a map; a bare array holds the event's own members.
    private static readonly MemberTable Members =
        new MemberTable(0, "correlation_id", "metadata", "method", "uri", "headers").InOrder("metadata", "method", "uri", "headers");

    internal static RequestHeadersEvent Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        RequestMetadata? metadata = null;
        CorrelationId inner = default;
        CorrelationId outer = default;
        string? method = null;
        string? uri = null;
        HeaderBlock? headers = null;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            switch (member)
            {
                case MetadataMember:
                    metadata = RequestMetadataCodec.Read(ref r, out inner);
                    break;
                case Method:
                    method = r.ReadString();
                    break;
                case Uri:
                    uri = r.ReadString();
                    break;
                case Headers:
                    headers = r.ReadHeaders();
                    break;
                case CorrelationIdMember:
                    outer = r.ReadCorrelationId();
                    break;
            }
        }

        return new RequestHeadersEvent
        {
            // The reference proxy waits for the top-level id when the two differ.
            CorrelationId = outer.IsEmpty ? inner : outer,
            Metadata = metadata ?? throw ProtocolErrors.Missing("RequestHeaders", "metadata"),
            Method = method ?? throw ProtocolErrors.Missing("RequestHeaders", "method"),
            Uri = uri ?? throw ProtocolErrors.Missing("RequestHeaders", "uri"),
            Headers = headers ?? new HeaderBlock(0, 0),
        };
    }

    internal static void Write<TWriter>(ref TWriter w, RequestHeadersEvent message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(5);
        w.Key("correlation_id"u8);
        w.Id(message.CorrelationId);
        w.Key("metadata"u8);
        RequestMetadataCodec.Write(ref w, message.Metadata, message.CorrelationId);
        w.Key("method"u8);
        w.String(message.Method);
        w.Key("uri"u8);
        w.String(message.Uri);
        w.Key("headers"u8);
        w.Headers(message.Headers);
        w.EndMap();
    }
}
