namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>RequestHeaders and ResponseHeaders (spec §4.3, §4.5), and RequestComplete (spec §4.6).</summary>
internal static partial class Codec<TReader, TWriter>
{
    // The id belongs to the wrapper, which is always a map; a bare array holds the event's own members. A reader of others skips has_body
    // (spec §11.8).
    private static readonly MemberTable RequestHeadersMembers =
        new MemberTable(0, "correlation_id", "metadata", "method", "uri", "headers", "has_body").InOrder(
            "metadata", "method", "uri", "headers");

    // Arrays of 11 elements end before traceparent.
    private static readonly MemberTable MetadataMembers = new(
        12,
        "correlation_id", "request_id", "client_ip", "client_port", "server_name", "protocol",
        "tls_version", "tls_cipher", "route_id", "upstream_id", "timestamp", "traceparent");

    private static readonly MemberTable ResponseHeadersMembers = new(3, "correlation_id", "status", "headers");

    private static readonly MemberTable CompleteMembers = new(
        7, "correlation_id", "status", "duration_ms", "request_body_size", "response_body_size", "upstream_attempts", "error");

    private static RequestHeadersEvent ReadRequestHeaders(ref TReader r)
    {
        RequestMetadata? metadata = null;
        CorrelationId inner = default, outer = default;
        string? method = null, uri = null;
        HeaderBlock? headers = null;
        bool? hasBody = null;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, RequestHeadersMembers, out var member))
        {
            _ = member switch
            {
                0 => Set(out outer, r.ReadCorrelationId()),
                1 => Set(out metadata, ReadMetadata(ref r, out inner)),
                2 => Set(out method, r.ReadString()),
                3 => Set(out uri, r.ReadString()),
                4 => Set(out headers, r.ReadHeaders()),
                _ => Set(out hasBody, r.ReadBoolean()),
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

    private static void WriteRequestHeaders(ref TWriter w, RequestHeadersEvent message)
    {
        w.BeginMap(message.HasBody is null ? 5 : 6);
        w.Member("correlation_id"u8, message.CorrelationId);
        w.Key("metadata"u8);
        WriteMetadata(ref w, message.Metadata, message.CorrelationId);
        w.Member("method"u8, message.Method);
        w.Member("uri"u8, message.Uri);
        w.Key("headers"u8);
        w.Headers(message.Headers);
        if (message.HasBody is { } hasBody)
        {
            w.Member("has_body"u8, hasBody);
        }

        w.EndMap();
    }

    private static RequestMetadata ReadMetadata(ref TReader r, out CorrelationId correlationId)
    {
        correlationId = default;
        string requestId = "", clientIp = "", protocol = "HTTP/1.1", timestamp = "";
        string? serverName = null, tlsVersion = null, tlsCipher = null, routeId = null, upstreamId = null, traceparent = null;
        ushort clientPort = 0;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, MetadataMembers, out var member))
        {
            _ = member switch
            {
                0 => Set(out correlationId, r.ReadCorrelationId()),
                1 => Set(out requestId, r.ReadString()),
                2 => Set(out clientIp, r.ReadString()),
                3 => Set(out clientPort, r.ReadUInt16()),
                4 => Set(out serverName, r.ReadString()),
                5 => Set(out protocol, r.ReadString()),
                6 => Set(out tlsVersion, r.ReadString()),
                7 => Set(out tlsCipher, r.ReadString()),
                8 => Set(out routeId, r.ReadString()),
                9 => Set(out upstreamId, r.ReadString()),
                10 => Set(out timestamp, r.ReadString()),
                _ => Set(out traceparent, r.ReadString()),
            };
        }

        return new RequestMetadata
        {
            RequestId = requestId,
            ClientIp = clientIp,
            ClientPort = clientPort,
            ServerName = serverName,
            Protocol = protocol,
            TlsVersion = tlsVersion,
            TlsCipher = tlsCipher,
            RouteId = routeId,
            UpstreamId = upstreamId,
            Timestamp = timestamp,
            Traceparent = traceparent,
        };
    }

    private static void WriteMetadata(ref TWriter w, RequestMetadata metadata, CorrelationId correlationId)
    {
        w.BeginMap(metadata.Traceparent is null ? 11 : 12);
        w.Member("correlation_id"u8, correlationId);
        w.Member("request_id"u8, metadata.RequestId);
        w.Member("client_ip"u8, metadata.ClientIp);
        w.Member("client_port"u8, metadata.ClientPort);
        w.Member("server_name"u8, metadata.ServerName);
        w.Member("protocol"u8, metadata.Protocol);
        w.Member("tls_version"u8, metadata.TlsVersion);
        w.Member("tls_cipher"u8, metadata.TlsCipher);
        w.Member("route_id"u8, metadata.RouteId);
        w.Member("upstream_id"u8, metadata.UpstreamId);
        w.Member("timestamp"u8, metadata.Timestamp);
        if (metadata.Traceparent is { } traceparent)
        {
            w.Member("traceparent"u8, traceparent);
        }

        w.EndMap();
    }

    private static ResponseHeadersEvent ReadResponseHeaders(ref TReader r)
    {
        CorrelationId id = default;
        ushort? status = null;
        HeaderBlock? headers = null;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, ResponseHeadersMembers, out var member))
        {
            _ = member switch
            {
                0 => Set(out id, r.ReadCorrelationId()),
                1 => Set(out status, r.ReadUInt16()),
                _ => Set(out headers, r.ReadHeaders()),
            };
        }

        return new ResponseHeadersEvent
        {
            CorrelationId = id,
            Status = status ?? throw ProtocolErrors.Missing("ResponseHeaders", "status"),
            Headers = headers ?? new HeaderBlock(0, 0),
        };
    }

    private static void WriteResponseHeaders(ref TWriter w, ResponseHeadersEvent message)
    {
        w.BeginMap(3);
        w.Member("correlation_id"u8, message.CorrelationId);
        w.Member("status"u8, message.Status);
        w.Key("headers"u8);
        w.Headers(message.Headers);
        w.EndMap();
    }

    // Nothing but the id matters to an agent that frees its state, so every member may be missing.
    private static RequestCompleteEvent ReadRequestComplete(ref TReader r)
    {
        CorrelationId id = default;
        ushort status = 0;
        ulong duration = 0, requestSize = 0, responseSize = 0;
        uint attempts = 0;
        string? error = null;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, CompleteMembers, out var member))
        {
            _ = member switch
            {
                0 => Set(out id, r.ReadCorrelationId()),
                1 => Set(out status, r.ReadUInt16()),
                2 => Set(out duration, r.ReadUInt64()),
                3 => Set(out requestSize, r.ReadUInt64()),
                4 => Set(out responseSize, r.ReadUInt64()),
                5 => Set(out attempts, r.ReadUInt32()),
                _ => Set(out error, r.ReadString()),
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

    private static void WriteRequestComplete(ref TWriter w, RequestCompleteEvent message)
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
