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
            switch (member)
            {
                case 0:
                    correlationId = r.ReadCorrelationId();
                    break;
                case 1:
                    requestId = r.ReadString();
                    break;
                case 2:
                    clientIp = r.ReadString();
                    break;
                case 3:
                    clientPort = r.ReadUInt16();
                    break;
                case 4:
                    serverName = r.ReadString();
                    break;
                case 5:
                    protocol = r.ReadString();
                    break;
                case 6:
                    tlsVersion = r.ReadString();
                    break;
                case 7:
                    tlsCipher = r.ReadString();
                    break;
                case 8:
                    routeId = r.ReadString();
                    break;
                case 9:
                    upstreamId = r.ReadString();
                    break;
                case 10:
                    timestamp = r.ReadString();
                    break;
                case 11:
                    traceparent = r.ReadString();
                    break;
            }
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
        w.Key("correlation_id"u8);
        w.Id(correlationId);
        w.Key("request_id"u8);
        w.String(metadata.RequestId);
        w.Key("client_ip"u8);
        w.String(metadata.ClientIp);
        w.Key("client_port"u8);
        w.UInt64(metadata.ClientPort);
        w.Key("server_name"u8);
        w.StringOrNull(metadata.ServerName);
        w.Key("protocol"u8);
        w.String(metadata.Protocol);
        w.Key("tls_version"u8);
        w.StringOrNull(metadata.TlsVersion);
        w.Key("tls_cipher"u8);
        w.StringOrNull(metadata.TlsCipher);
        w.Key("route_id"u8);
        w.StringOrNull(metadata.RouteId);
        w.Key("upstream_id"u8);
        w.StringOrNull(metadata.UpstreamId);
        w.Key("timestamp"u8);
        w.String(metadata.Timestamp);
        if (metadata.Traceparent is not null)
        {
            w.Key("traceparent"u8);
            w.String(metadata.Traceparent);
        }

        w.EndMap();
    }
}
