using System.Text.Json;
using System.Text.Json.Nodes;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

/// <summary>Our records as the reference would name and nest their members, written a second time so that codecs have an independent witness.</summary>
internal static partial class ReferenceShape
{
    public static JsonNode Of(object message) => message switch
    {
        RequestHeadersEvent { HasBody: { } hasBody } e => With(
            e, ("metadata", Metadata(e)), ("method", e.Method), ("uri", e.Uri), ("headers", Headers(e.Headers)), ("has_body", hasBody)),
        RequestHeadersEvent e => With(e, ("metadata", Metadata(e)), ("method", e.Method), ("uri", e.Uri), ("headers", Headers(e.Headers))),
        RequestBodyChunkEvent e => Chunk(e, "bytes_received"),
        ResponseBodyChunkEvent e => Chunk(e, "bytes_sent"),
        ResponseHeadersEvent e => With(e, ("status", e.Status), ("headers", Headers(e.Headers))),
        RequestCompleteEvent e => With(
            e, ("status", e.Status), ("duration_ms", e.DurationMs), ("request_body_size", e.RequestBodySize),
            ("response_body_size", e.ResponseBodySize), ("upstream_attempts", e.UpstreamAttempts), ("error", e.Error)),
        WebSocketFrameEvent e => With(
            e, ("opcode", Lower(e.Opcode)), ("data", Convert.ToBase64String(e.Data.Span)), ("client_to_server", e.ClientToServer),
            ("frame_index", e.FrameIndex), ("fin", e.Fin), ("route_id", e.RouteId), ("client_ip", e.ClientIp)),
        GuardrailInspectEvent e => Guardrail(e),
        ConfigureEvent e => With(e, ("config", Free(e.Config)), ("config_version", e.ConfigVersion)),
        AgentAnswer answer => Answer(answer),
        HealthStatus health => Health(health),
        MetricsReport metrics => Metrics(metrics),
        ConfigUpdateRequest update => new JsonObject
        {
            ["update_type"] = Update(update.Update),
            ["request_id"] = update.RequestId,
            ["timestamp_ms"] = update.TimestampMs,
        },
        FlowControlSignal flow => Flow(flow),
        CancelRequest cancel => new JsonObject
        {
            ["correlation_id"] = cancel.CorrelationId.ToString(),
            ["reason"] = (int)cancel.Reason,
            ["timestamp_ms"] = cancel.TimestampMs,
        },
        PingMessage ping => new JsonObject { ["sequence"] = ping.Sequence, ["timestamp_ms"] = ping.TimestampMs },
        HandshakeRequest request => new JsonObject
        {
            ["supported_versions"] = new JsonArray([.. request.SupportedVersions.Select(v => (JsonNode)v)]),
            ["proxy_id"] = request.ProxyId,
            ["proxy_version"] = request.ProxyVersion,
            ["config"] = Free(request.Config),
            ["supported_encodings"] = Strings(request.SupportedEncodings),
        },
        HandshakeResponse response => new JsonObject
        {
            ["protocol_version"] = response.ProtocolVersion,
            ["capabilities"] = Capabilities(response.Capabilities),
            ["success"] = response.Success,
            ["error"] = response.Error,
            ["encoding"] = response.Encoding,
        },
        RegistrationRequest request => new JsonObject
        {
            ["protocol_version"] = request.ProtocolVersion,
            ["agent_id"] = request.AgentId,
            ["capabilities"] = Capabilities(request.Capabilities),
            ["auth_token"] = request.AuthToken,
            ["metadata"] = Free(request.Metadata),
        },
        RegistrationResponse response => new JsonObject
        {
            ["success"] = response.Success,
            ["error"] = response.Error,
            ["proxy_id"] = response.ProxyId,
            ["proxy_version"] = response.ProxyVersion,
            ["connection_id"] = response.ConnectionId,
        },
        _ => throw new ArgumentException($"no shape for {message.GetType().Name}", nameof(message)),
    };

    private static JsonObject With(AgentEvent message, params (string Name, JsonNode? Value)[] members)
    {
        var shape = new JsonObject { ["correlation_id"] = message.CorrelationId.ToString() };
        foreach (var (name, value) in members)
        {
            shape[name] = value;
        }

        return shape;
    }

    private static JsonObject Metadata(RequestHeadersEvent e)
    {
        var m = e.Metadata;
        var shape = new JsonObject
        {
            ["correlation_id"] = e.CorrelationId.ToString(),
            ["request_id"] = m.RequestId,
            ["client_ip"] = m.ClientIp,
            ["client_port"] = m.ClientPort,
            ["server_name"] = m.ServerName,
            ["protocol"] = m.Protocol,
            ["tls_version"] = m.TlsVersion,
            ["tls_cipher"] = m.TlsCipher,
            ["route_id"] = m.RouteId,
            ["upstream_id"] = m.UpstreamId,
            ["timestamp"] = m.Timestamp,
        };
        if (m.Traceparent is not null)
        {
            shape["traceparent"] = m.Traceparent;
        }

        return shape;
    }

    private static JsonObject Chunk(BodyChunkEvent e, string bytes) => With(
        e, ("data", Convert.ToBase64String(e.Data.Span)), ("data_hex", Convert.ToHexStringLower(e.Data.Span)), ("is_last", e.IsLast),
        ("total_size", e.TotalSize), ("chunk_index", e.ChunkIndex), (bytes, e.BytesTransferred));

    private static JsonObject Guardrail(GuardrailInspectEvent e)
    {
        var shape = With(
            e, ("inspection_type", e.InspectionType == GuardrailInspectionType.PiiDetection ? "pii_detection" : "prompt_injection"),
            ("content", e.Content), ("categories", Strings(e.Categories)), ("metadata", Map(e.Metadata)));
        if (e.Model is not null)
        {
            shape["model"] = e.Model;
        }

        if (e.RouteId is not null)
        {
            shape["route_id"] = e.RouteId;
        }

        return shape;
    }

    private static JsonObject Headers(HeaderBlock headers)
    {
        var shape = new JsonObject();
        for (var i = 0; i < headers.Count; i++)
        {
            var name = System.Text.Encoding.UTF8.GetString(headers.Name(i));
            shape[name] ??= new JsonArray();
            if (headers.HasValue(i))
            {
                shape[name]!.AsArray().Add(System.Text.Encoding.UTF8.GetString(headers.Value(i)));
            }
        }

        return shape;
    }

    private static JsonArray Strings(IEnumerable<string> values) => new([.. values.Select(v => (JsonNode)v)]);

    private static JsonObject Map(IReadOnlyDictionary<string, string> values) =>
        new(values.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value)));

    private static JsonNode? Free(JsonElement? value) => value is { } element ? JsonNode.Parse(element.GetRawText()) : null;

    private static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
