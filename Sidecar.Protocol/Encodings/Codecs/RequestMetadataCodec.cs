using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>The metadata of RequestHeaders (spec §4.3); arrays of 11 elements end before <c>traceparent</c>.</summary>
internal static class RequestMetadataCodec
{
    private static readonly MemberTable Members = new(
        12,
        "correlation_id",
        "request_id",
        "client_ip",
        "client_port",
        "server_name",
        "protocol",
        "tls_version",
        "tls_cipher",
        "route_id",
        "upstream_id",
        "timestamp",
        "traceparent");

    internal static RequestMetadata Read<TReader>(ref TReader r, out CorrelationId correlationId)
        where TReader : struct, IValueReader, allows ref struct
    {
        correlationId = default;
        string requestId = "", clientIp = "", protocol = "HTTP/1.1", timestamp = "";
        string? serverName = null, tlsVersion = null, tlsCipher = null, routeId = null, upstreamId = null, traceparent = null;
        ushort clientPort = 0;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            _ = member switch
            {
                0 => r.Into(ref correlationId),
                1 => r.Into(ref requestId),
                2 => r.Into(ref clientIp),
                3 => r.Into(ref clientPort),
                4 => r.Into(ref serverName),
                5 => r.Into(ref protocol),
                6 => r.Into(ref tlsVersion),
                7 => r.Into(ref tlsCipher),
                8 => r.Into(ref routeId),
                9 => r.Into(ref upstreamId),
                10 => r.Into(ref timestamp),
                _ => r.Into(ref traceparent),
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

    internal static void Write<TWriter>(ref TWriter w, RequestMetadata metadata, CorrelationId correlationId)
        where TWriter : struct, IValueWriter, allows ref struct
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
        w.MemberIfAny("traceparent"u8, metadata.Traceparent);
        w.EndMap();
    }
}
