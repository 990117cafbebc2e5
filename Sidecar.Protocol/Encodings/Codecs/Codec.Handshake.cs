namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>
/// The messages of a handshake (spec §3.1) and of a registration (spec §8), and what an agent says of itself in either (spec §3.2): read
/// with defaults for whatever is missing, written whole.
/// </summary>
internal static partial class Codec<TReader, TWriter>
{
    private static readonly Shape<AgentFeatures> Features = new(
        "features",
        new AgentFeatures(),
        new("streaming_body", (ref r, m) => m with { StreamingBody = r.ReadBoolean() }, (ref w, m) => w.Boolean(m.StreamingBody)),
        new("websocket", (ref r, m) => m with { WebSocket = r.ReadBoolean() }, (ref w, m) => w.Boolean(m.WebSocket)),
        new("guardrails", (ref r, m) => m with { Guardrails = r.ReadBoolean() }, (ref w, m) => w.Boolean(m.Guardrails)),
        new("config_push", (ref r, m) => m with { ConfigPush = r.ReadBoolean() }, (ref w, m) => w.Boolean(m.ConfigPush)),
        new("metrics_export", (ref r, m) => m with { MetricsExport = r.ReadBoolean() }, (ref w, m) => w.Boolean(m.MetricsExport)),
        new("concurrent_requests", (ref r, m) => m with { ConcurrentRequests = r.ReadUInt32() },
            (ref w, m) => w.UInt64(m.ConcurrentRequests)),
        new("cancellation", (ref r, m) => m with { Cancellation = r.ReadBoolean() }, (ref w, m) => w.Boolean(m.Cancellation)),
        new("flow_control", (ref r, m) => m with { FlowControl = r.ReadBoolean() }, (ref w, m) => w.Boolean(m.FlowControl)),
        new("health_reporting", (ref r, m) => m with { HealthReporting = r.ReadBoolean() }, (ref w, m) => w.Boolean(m.HealthReporting)),
        new("binary_body", (ref r, m) => m with { BinaryBody = r.ReadBoolean() },
            (ref w, m) => w.Boolean(m.BinaryBody), OnlyIf: m => m.BinaryBody));

    private static readonly Shape<AgentLimits> Limits = new(
        "limits",
        new AgentLimits(),
        new("max_body_size", (ref r, m) => m with { MaxBodySize = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.MaxBodySize)),
        new("max_concurrency", (ref r, m) => m with { MaxConcurrency = r.ReadUInt32() }, (ref w, m) => w.UInt64(m.MaxConcurrency)),
        new("preferred_chunk_size", (ref r, m) => m with { PreferredChunkSize = r.ReadUInt64() },
            (ref w, m) => w.UInt64(m.PreferredChunkSize)));

    private static readonly Shape<AgentCapabilities> Capabilities = new(
        "capabilities",
        new AgentCapabilities(),
        new("agent_id", (ref r, m) => m with { AgentId = r.ReadString() }, (ref w, m) => w.String(m.AgentId)),
        new("name", (ref r, m) => m with { Name = r.ReadString() }, (ref w, m) => w.String(m.Name)),
        new("version", (ref r, m) => m with { Version = r.ReadString() }, (ref w, m) => w.String(m.Version)),
        new("supported_events", (ref r, m) => m with { SupportedEvents = ReadEvents(ref r) },
            (ref w, m) => WriteEvents(ref w, m.SupportedEvents)),
        new("features", (ref r, m) => m with { Features = Features.Read(ref r) }, (ref w, m) => Features.Write(ref w, m.Features)),
        new("limits", (ref r, m) => m with { Limits = Limits.Read(ref r) }, (ref w, m) => Limits.Write(ref w, m.Limits)));

    internal static readonly Shape<HandshakeRequest> HandshakeRequest = new(
        "HandshakeRequest",
        new HandshakeRequest(),
        new("supported_versions", (ref r, m) => m with { SupportedVersions = r.ReadList((ref r) => r.ReadUInt32()) },
            (ref w, m) => w.List(m.SupportedVersions, (ref w, version) => w.UInt64(version)), IsRequired: true),
        new("proxy_id", (ref r, m) => m with { ProxyId = r.ReadString() }, (ref w, m) => w.String(m.ProxyId)),
        new("proxy_version", (ref r, m) => m with { ProxyVersion = r.ReadString() }, (ref w, m) => w.String(m.ProxyVersion)),
        new("config", (ref r, m) => m with { Config = r.ReadJson() }, (ref w, m) => w.JsonOrNull(m.Config)),
        new("supported_encodings", (ref r, m) => m with { SupportedEncodings = r.ReadStrings() },
            (ref w, m) => w.Strings(m.SupportedEncodings)));

    private static readonly Shape<HandshakeResponse> HandshakeResponse = new(
        "HandshakeResponse",
        new HandshakeResponse { Capabilities = null! },
        new("protocol_version", (ref r, m) => m with { ProtocolVersion = r.ReadUInt32() },
            (ref w, m) => w.UInt64(m.ProtocolVersion), IsRequired: true),
        new("capabilities", (ref r, m) => m with { Capabilities = Capabilities.Read(ref r) },
            (ref w, m) => Capabilities.Write(ref w, m.Capabilities)),
        new("success", (ref r, m) => m with { Success = r.ReadBoolean() }, (ref w, m) => w.Boolean(m.Success), IsRequired: true),
        new("error", (ref r, m) => m with { Error = r.ReadText() }, (ref w, m) => w.String(m.Error)),
        new("encoding", (ref r, m) => m with { Encoding = r.ReadString() }, (ref w, m) => w.String(m.Encoding)));

    internal static readonly Shape<RegistrationRequest> RegistrationRequest = new(
        "RegistrationRequest",
        new RegistrationRequest(),
        new("protocol_version", (ref r, m) => m with { ProtocolVersion = r.ReadUInt32() },
            (ref w, m) => w.UInt64(m.ProtocolVersion), IsRequired: true),
        new("agent_id", (ref r, m) => m with { AgentId = r.ReadString() }, (ref w, m) => w.String(m.AgentId), IsRequired: true),
        new("capabilities", (ref r, m) => m with { Capabilities = Capabilities.Read(ref r) },
            (ref w, m) => Capabilities.Write(ref w, m.Capabilities),
            IsRequired: true),
        new("auth_token", (ref r, m) => m with { AuthToken = r.ReadString() }, (ref w, m) => w.String(m.AuthToken)),
        new("metadata", (ref r, m) => m with { Metadata = r.ReadJson() }, (ref w, m) => w.JsonOrNull(m.Metadata)));

    internal static readonly Shape<RegistrationResponse> RegistrationResponse = new(
        "RegistrationResponse",
        new RegistrationResponse(),
        new("success", (ref r, m) => m with { Success = r.ReadBoolean() }, (ref w, m) => w.Boolean(m.Success), IsRequired: true),
        new("error", (ref r, m) => m with { Error = r.ReadText() }, (ref w, m) => w.String(m.Error)),
        new("proxy_id", (ref r, m) => m with { ProxyId = r.ReadString() }, (ref w, m) => w.String(m.ProxyId)),
        new("proxy_version", (ref r, m) => m with { ProxyVersion = r.ReadString() }, (ref w, m) => w.String(m.ProxyVersion)),
        new("connection_id", (ref r, m) => m with { ConnectionId = r.ReadString() }, (ref w, m) => w.String(m.ConnectionId)));

    internal static HandshakeResponse ReadHandshakeResponse(ref TReader r)
    {
        var response = HandshakeResponse.Read(ref r);
        return response.Capabilities is not null ? response
            : !response.Success ? response with { Capabilities = new AgentCapabilities() }
            : throw ProtocolErrors.Missing("HandshakeResponse", "capabilities");
    }

    internal static void WriteHandshakeResponse(ref TWriter w, HandshakeResponse message) => HandshakeResponse.Write(ref w, message);

    internal static void WriteRegistrationAck(ref TWriter w, bool accepted, string? error)
    {
        w.BeginMap(2);
        w.Member("accepted"u8, accepted);
        w.Member("error"u8, error);
        w.EndMap();
    }

    // The events an agent wants: numbers, or the names that peers use (spec §3.3). Unknown ones are skipped.
    private static EventSet ReadEvents(ref TReader r)
    {
        var events = EventSet.None;
        for (var scope = r.BeginArray(); r.NextItem(ref scope);)
        {
            switch (r.Kind)
            {
                case ValueKind.Number:
                    events |= EventKinds.OfNumber(r.ReadInt64()).AsSet();
                    break;
                case ValueKind.String:
                    events |= EventOf(r.ReadString()).AsSet();
                    break;
                default:
                    r.Skip();
                    break;
            }
        }

        return events;
    }

    private static void WriteEvents(ref TWriter w, EventSet events) =>
        w.List(EventKinds.In(events), static (ref w, kind) => w.UInt64((ulong)kind));

    private static EventKind EventOf(string name) => name.Replace('-', '_') switch
    {
        "request_headers" => EventKind.RequestHeaders,
        "request_body_chunk" or "request_body" => EventKind.RequestBodyChunk,
        "response_headers" => EventKind.ResponseHeaders,
        "response_body_chunk" or "response_body" => EventKind.ResponseBodyChunk,
        "request_complete" or "log" => EventKind.RequestComplete,
        "web_socket_frame" or "websocket_frame" => EventKind.WebSocketFrame,
        "guardrail_inspect" or "guardrail" => EventKind.GuardrailInspect,
        "configure" => EventKind.Configure,
        _ => EventKind.None,
    };
}
