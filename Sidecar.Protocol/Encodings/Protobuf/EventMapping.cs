using System.Globalization;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>Events and their wire forms (spec §7.3 to §7.5). What the wire has no field for is lost; what it adds is filled in.</summary>
internal static class EventMapping
{
    private const string DefaultProtocol = "HTTP/1.1";

    /// <summary>The message that carries an event.</summary>
    public static Wire.ProxyToAgent ToWire(AgentEvent message) => message switch
    {
        RequestHeadersEvent e => new() { RequestHeaders = ToWire(e) },
        RequestBodyChunkEvent e => new() { RequestBodyChunk = ToWire(e) },
        ResponseHeadersEvent e => new() { ResponseHeaders = ToWire(e) },
        ResponseBodyChunkEvent e => new() { ResponseBodyChunk = ToWire(e) },
        WebSocketFrameEvent e => new() { WebsocketFrame = WebSocketMapping.ToWire(e) },
        GuardrailInspectEvent e => new() { Guardrail = GuardrailMapping.ToWire(e) },
        RequestCompleteEvent e => new() { RequestComplete = ToWire(e) },
        ConfigureEvent e => new() { Configure = ControlMapping.ToWire(e) },
        _ => throw new NotSupportedException($"a {message.GetType().Name} has no form on gRPC"),
    };

    /// <summary>The event that a message carries.</summary>
    /// <exception cref="ProtocolException">It carries none, or one with a value that cannot be.</exception>
    public static AgentEvent FromWire(Wire.ProxyToAgent message) => message.MessageCase switch
    {
        Wire.ProxyToAgent.MessageOneofCase.RequestHeaders => FromWire(message.RequestHeaders),
        Wire.ProxyToAgent.MessageOneofCase.RequestBodyChunk => FromWire(message.RequestBodyChunk, new RequestBodyChunkEvent()),
        Wire.ProxyToAgent.MessageOneofCase.ResponseHeaders => FromWire(message.ResponseHeaders),
        Wire.ProxyToAgent.MessageOneofCase.ResponseBodyChunk => FromWire(message.ResponseBodyChunk, new ResponseBodyChunkEvent()),
        Wire.ProxyToAgent.MessageOneofCase.WebsocketFrame => WebSocketMapping.FromWire(message.WebsocketFrame),
        Wire.ProxyToAgent.MessageOneofCase.Guardrail => GuardrailMapping.FromWire(message.Guardrail),
        Wire.ProxyToAgent.MessageOneofCase.RequestComplete => FromWire(message.RequestComplete),
        Wire.ProxyToAgent.MessageOneofCase.Configure => ControlMapping.FromWire(message.Configure),
        _ => throw new ProtocolException($"the message holds {message.MessageCase}, which is no event"),
    };

    private static Wire.RequestHeadersEvent ToWire(RequestHeadersEvent e)
    {
        var from = e.Metadata;
        var metadata = new Wire.RequestMetadata
        {
            CorrelationId = e.CorrelationId.ToString(),
            RequestId = from.RequestId,
            ClientIp = from.ClientIp,
            ClientPort = from.ClientPort,
            Protocol = from.Protocol,
            TimestampMs = Milliseconds(from.Timestamp),
        };

        Optional.Set(metadata, from.ServerName, static (to, value) => to.ServerName = value);
        Optional.Set(metadata, from.TlsVersion, static (to, value) => to.TlsVersion = value);
        Optional.Set(metadata, from.RouteId, static (to, value) => to.RouteId = value);
        Optional.Set(metadata, from.UpstreamId, static (to, value) => to.UpstreamId = value);
        Optional.Set(metadata, from.Traceparent, static (to, value) => to.Traceparent = value);

        var wire = new Wire.RequestHeadersEvent { Metadata = metadata, Method = e.Method, Uri = e.Uri, HttpVersion = from.Protocol };
        Flatten(e.Headers, wire.Headers);
        return Optional.Set(wire, e.HasBody, static (to, value) => to.HasBody = value);
    }

    private static RequestHeadersEvent FromWire(Wire.RequestHeadersEvent e)
    {
        var from = e.Metadata ?? throw new ProtocolException("the request headers have no metadata; the member is required");
        return new RequestHeadersEvent
        {
            CorrelationId = CorrelationId.Parse(from.CorrelationId),
            Method = e.Method,
            Uri = e.Uri,
            Headers = Group(e.Headers),
            HasBody = e.HasHasBody ? e.HasBody : null,
            Metadata = new RequestMetadata
            {
                RequestId = from.RequestId,
                ClientIp = from.ClientIp,
                ClientPort = Checked("client_port", from.ClientPort),
                ServerName = from.HasServerName ? from.ServerName : null,
                Protocol = from.Protocol.Length > 0 ? from.Protocol : e.HttpVersion.Length > 0 ? e.HttpVersion : DefaultProtocol,
                TlsVersion = from.HasTlsVersion ? from.TlsVersion : null,
                RouteId = from.HasRouteId ? from.RouteId : null,
                UpstreamId = from.HasUpstreamId ? from.UpstreamId : null,
                Timestamp = Rfc3339(from.TimestampMs),
                Traceparent = from.HasTraceparent ? from.Traceparent : null,
            },
        };
    }

    private static Wire.ResponseHeadersEvent ToWire(ResponseHeadersEvent e)
    {
        var wire = new Wire.ResponseHeadersEvent { CorrelationId = e.CorrelationId.ToString(), StatusCode = e.Status };
        Flatten(e.Headers, wire.Headers);
        return wire;
    }

    private static ResponseHeadersEvent FromWire(Wire.ResponseHeadersEvent e) => new()
    {
        CorrelationId = CorrelationId.Parse(e.CorrelationId),
        Status = Checked("status_code", e.StatusCode),
        Headers = Group(e.Headers),
    };

    private static Wire.BodyChunkEvent ToWire(BodyChunkEvent e) => Optional.Set(
        new Wire.BodyChunkEvent
        {
            CorrelationId = e.CorrelationId.ToString(),
            ChunkIndex = e.ChunkIndex,

            // Not copied: it is serialised before anybody can change the memory.
            Data = UnsafeByteOperations.UnsafeWrap(e.Data),
            IsLast = e.IsLast,
            BytesTransferred = e.BytesTransferred,
        },
        e.TotalSize,
        static (to, value) => to.TotalSize = value);

    private static BodyChunkEvent FromWire(Wire.BodyChunkEvent e, BodyChunkEvent chunk)
    {
        chunk.CorrelationId = CorrelationId.Parse(e.CorrelationId);
        chunk.Data = e.Data.Memory;
        chunk.IsLast = e.IsLast;
        chunk.TotalSize = e.HasTotalSize ? e.TotalSize : null;
        chunk.ChunkIndex = e.ChunkIndex;
        chunk.BytesTransferred = e.BytesTransferred;
        return chunk;
    }

    private static Wire.RequestCompleteEvent ToWire(RequestCompleteEvent e) => Optional.Set(
        new Wire.RequestCompleteEvent
        {
            CorrelationId = e.CorrelationId.ToString(),
            StatusCode = e.Status,
            DurationMs = e.DurationMs,
            BytesReceived = e.RequestBodySize,
            BytesSent = e.ResponseBodySize,
        },
        e.Error,
        static (to, value) => to.Error = value);

    private static RequestCompleteEvent FromWire(Wire.RequestCompleteEvent e) => new()
    {
        CorrelationId = CorrelationId.Parse(e.CorrelationId),
        Status = Checked("status_code", e.StatusCode),
        DurationMs = e.DurationMs,
        RequestBodySize = e.BytesReceived,
        ResponseBodySize = e.BytesSent,
        UpstreamAttempts = 1,
        Error = e.HasError ? e.Error : null,
    };

    // One field per value; a name without values has no form.
    private static void Flatten(HeaderBlock headers, RepeatedField<Wire.Header> fields)
    {
        for (var i = 0; i < headers.Count; i++)
        {
            if (headers.HasValue(i))
            {
                fields.Add(
                    new Wire.Header { Name = Encoding.UTF8.GetString(headers.Name(i)), Value = Encoding.UTF8.GetString(headers.Value(i)) });
            }
        }
    }

    private static HeaderBlock Group(RepeatedField<Wire.Header> fields)
    {
        var headers = new HeaderBlock(fields.Count);
        foreach (var field in fields)
        {
            headers.Add(field.Name, field.Value);
        }

        return headers;
    }

    private static ushort Checked(string member, uint value) =>
        value <= ushort.MaxValue ? (ushort)value : throw ProtocolErrors.OutOfRange(member, value, 0, ushort.MaxValue);

    private static ulong Milliseconds(string timestamp) =>
        DateTimeOffset.TryParse(timestamp, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? (ulong)Math.Max(0, time.ToUnixTimeMilliseconds())
            : 0;

    private static string Rfc3339(ulong milliseconds) =>
        milliseconds == 0 || milliseconds > (ulong)DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
        ? ""
        : DateTimeOffset.FromUnixTimeMilliseconds((long)milliseconds).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
}
