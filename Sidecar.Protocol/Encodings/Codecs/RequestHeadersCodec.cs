using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>RequestHeaders (spec §4.3), with a member of our own that every other reader skips (spec §11.8): <c>has_body</c>.</summary>
internal static class RequestHeadersCodec
{
    // The id belongs to the wrapper, which is always a map; a bare array holds the event's own members.
    private static readonly MemberTable Members =
        new MemberTable(0, "correlation_id", "metadata", "method", "uri", "headers", "has_body").InOrder("metadata", "method", "uri", "headers");

    internal static RequestHeadersEvent Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        RequestMetadata? metadata = null;
        CorrelationId inner = default;
        CorrelationId outer = default;
        string? method = null;
        string? uri = null;
        HeaderBlock? headers = null;
        bool? hasBody = null;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            _ = member switch
            {
                0 => r.Into(ref outer),
                1 => r.Into(out metadata, RequestMetadataCodec.Read(ref r, out inner)),
                2 => r.Into(ref method),
                3 => r.Into(ref uri),
                4 => r.Into(ref headers),
                _ => r.Into(ref hasBody),
            };
        }

        return new RequestHeadersEvent
        {
            // The reference proxy waits for the top-level id when the two differ.
            CorrelationId = outer.IsEmpty ? inner : outer,
            Metadata = metadata ?? throw ProtocolErrors.Missing("RequestHeaders", "metadata"),
            Method = method ?? throw ProtocolErrors.Missing("RequestHeaders", "method"),
            Uri = uri ?? throw ProtocolErrors.Missing("RequestHeaders", "uri"),
            Headers = headers ?? new HeaderBlock(0, 0),
            HasBody = hasBody,
        };
    }

    internal static void Write<TWriter>(ref TWriter w, RequestHeadersEvent message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(message.HasBody is null ? 5 : 6);
        w.Member("correlation_id"u8, message.CorrelationId);
        w.Key("metadata"u8);
        RequestMetadataCodec.Write(ref w, message.Metadata, message.CorrelationId);
        w.Member("method"u8, message.Method);
        w.Member("uri"u8, message.Uri);
        w.Member("headers"u8, message.Headers);
        if (message.HasBody is { } hasBody)
        {
            w.Member("has_body"u8, hasBody);
        }

        w.EndMap();
    }
}
