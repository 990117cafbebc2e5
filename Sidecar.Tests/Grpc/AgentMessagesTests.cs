using Google.Protobuf;
using NUnit.Framework;
using Sidecar.Protocol.Grpc.Wire;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Grpc;

/// <summary>The messages of the agent protocol on gRPC have the names, numbers and types of its specification (§7.1, §7.3).</summary>
public sealed class AgentMessagesTests
{
    private const string Specified = """
        AgentCapabilities: 1 protocol_version u32; 2 agent_id string; 3 name string; 4 version string; 5 supported_events repeated int32; 6 features AgentFeatures; 7 limits AgentLimits; 8 health_config HealthConfig
        AgentControl: 1 health oneof HealthStatus; 2 metrics oneof MetricsReport; 3 config_update oneof ConfigUpdateRequest; 4 log oneof LogMessage
        AgentFeatures: 1 streaming_body bool; 2 websocket bool; 3 guardrails bool; 4 config_push bool; 5 metrics_export bool; 6 concurrent_requests u32; 7 cancellation bool; 8 flow_control bool; 9 health_reporting bool
        AgentLimits: 1 max_body_size u64; 2 max_concurrency u32; 3 preferred_chunk_size u64; 4 max_memory opt u64; 5 max_processing_time_ms opt u64
        AgentResponse: 1 correlation_id string; 2 allow oneof AllowDecision; 3 block oneof BlockDecision; 4 redirect oneof RedirectDecision; 5 challenge oneof ChallengeDecision; 10 request_headers repeated HeaderOp; 11 response_headers repeated HeaderOp; 12 audit AuditMetadata; 13 processing_time_ms opt u64; 14 needs_more bool
        AgentToProxy: 1 handshake oneof HandshakeResponse; 2 response oneof AgentResponse; 3 health oneof HealthStatus; 4 metrics oneof MetricsReport; 5 config_update oneof ConfigUpdateRequest; 6 flow_control oneof FlowControlSignal; 7 pong oneof Pong; 8 log oneof LogMessage
        AllowDecision:
        AuditMetadata: 1 tags repeated string; 2 rule_ids repeated string; 3 confidence opt float; 4 reason_codes repeated string; 5 custom map<string,string>
        BlockDecision: 1 status u32; 2 body opt string; 3 headers repeated Header
        BodyChunkEvent: 1 correlation_id string; 2 chunk_index u32; 3 data bytes; 4 is_last bool; 5 total_size opt u64; 6 bytes_transferred u64; 7 proxy_buffer_available u64; 8 timestamp_ms u64
        CancelRequest: 1 correlation_id string; 2 reason int32; 3 timestamp_ms u64; 4 blocking_agent_id opt string; 5 manual_reason opt string
        ChallengeDecision: 1 challenge_type string; 2 params map<string,string>
        ConfigError: 1 error string; 2 field opt string
        ConfigUpdateRequest: 1 request_id string; 2 timestamp_ms u64; 10 request_reload oneof RequestReload; 11 rule_update oneof RuleUpdate; 12 list_update oneof ListUpdate; 13 restart_required oneof RestartRequired; 14 config_error oneof ConfigError
        ConfigUpdateResponse: 1 request_id string; 2 accepted bool; 3 error opt string; 4 timestamp_ms u64
        ConfigureEvent: 1 config_json string; 2 config_version opt string; 3 is_initial bool; 4 timestamp_ms u64
        CounterMetric: 1 name string; 2 help opt string; 3 labels map<string,string>; 4 value u64
        DrainRequest: 1 duration_ms u64; 2 reason int32; 3 timestamp_ms u64
        FlowControlSignal: 1 correlation_id opt string; 2 action int32; 3 buffer_available opt u64; 4 timestamp_ms u64
        GaugeMetric: 1 name string; 2 help opt string; 3 labels map<string,string>; 4 value double
        GuardrailInspectEvent: 1 correlation_id string; 2 content string; 3 content_type int32; 4 model opt string; 5 context_json string
        HandshakeRequest: 1 supported_versions repeated u32; 2 proxy_id string; 3 proxy_version string; 4 config_json string
        HandshakeResponse: 1 protocol_version u32; 2 capabilities AgentCapabilities; 3 success bool; 4 error opt string
        Header: 1 name string; 2 value string
        HeaderOp: 1 set oneof Header; 2 add oneof Header; 3 remove oneof string
        HealthConfig: 1 report_interval_ms u32; 2 include_load_metrics bool; 3 include_resource_metrics bool
        HealthStatus: 1 agent_id string; 2 state int32; 3 message opt string; 4 load LoadMetrics; 5 resources ResourceMetrics; 6 valid_until_ms opt u64; 7 timestamp_ms u64; 10 disabled_features repeated string; 11 timeout_multiplier float; 12 drain_eta_ms opt u64; 13 unhealthy_reason opt string; 14 recoverable bool
        HistogramBucket: 1 le double; 2 count u64
        HistogramMetric: 1 name string; 2 help opt string; 3 labels map<string,string>; 4 sum double; 5 count u64; 6 buckets repeated HistogramBucket
        ListUpdate: 1 list_id string; 2 add repeated string; 3 remove repeated string
        LoadMetrics: 1 in_flight u32; 2 queue_depth u32; 3 avg_latency_ms float; 4 p50_latency_ms float; 5 p95_latency_ms float; 6 p99_latency_ms float; 7 requests_processed u64; 8 requests_rejected u64; 9 requests_timed_out u64
        LogMessage: 1 level int32; 2 message string; 3 correlation_id opt string; 4 fields map<string,string>; 5 timestamp_ms u64
        MetricsReport: 1 agent_id string; 2 timestamp_ms u64; 3 interval_ms u64; 4 counters repeated CounterMetric; 5 gauges repeated GaugeMetric; 6 histograms repeated HistogramMetric
        Ping: 1 sequence u64; 2 timestamp_ms u64
        Pong: 1 sequence u64; 2 ping_timestamp_ms u64; 3 timestamp_ms u64
        ProxyControl: 1 configure oneof ConfigureEvent; 2 shutdown oneof ShutdownRequest; 3 drain oneof DrainRequest; 4 config_response oneof ConfigUpdateResponse
        ProxyToAgent: 1 handshake oneof HandshakeRequest; 2 request_headers oneof RequestHeadersEvent; 3 request_body_chunk oneof BodyChunkEvent; 4 response_headers oneof ResponseHeadersEvent; 5 response_body_chunk oneof BodyChunkEvent; 6 websocket_frame oneof WebSocketFrameEvent; 7 guardrail oneof GuardrailInspectEvent; 8 request_complete oneof RequestCompleteEvent; 9 cancel oneof CancelRequest; 10 configure oneof ConfigureEvent; 11 ping oneof Ping
        RedirectDecision: 1 url string; 2 status u32
        RequestCompleteEvent: 1 correlation_id string; 2 status_code u32; 3 duration_ms u64; 4 bytes_received u64; 5 bytes_sent u64; 6 upstream opt string; 7 from_cache bool; 8 error opt string
        RequestHeadersEvent: 1 metadata RequestMetadata; 2 method string; 3 uri string; 4 http_version string; 5 headers repeated Header; 100 has_body opt bool
        RequestMetadata: 1 correlation_id string; 2 request_id string; 3 client_ip string; 4 client_port u32; 5 server_name opt string; 6 protocol string; 7 tls_version opt string; 8 route_id opt string; 9 upstream_id opt string; 10 timestamp_ms u64; 11 traceparent opt string
        RequestReload:
        ResourceMetrics: 1 cpu_percent opt float; 2 memory_bytes opt u64; 3 memory_limit opt u64; 4 active_threads opt u32; 5 open_fds opt u32; 6 fd_limit opt u32; 7 connections opt u32
        ResponseHeadersEvent: 1 correlation_id string; 2 status_code u32; 3 headers repeated Header
        RestartRequired: 1 reason string; 2 grace_period_ms u64
        RuleDefinition: 1 id string; 2 priority int32; 3 definition_json string; 4 enabled bool; 5 description opt string; 6 tags repeated string
        RuleUpdate: 1 rule_set string; 2 rules repeated RuleDefinition; 3 remove_rules repeated string
        ShutdownRequest: 1 reason int32; 2 grace_period_ms u64; 3 timestamp_ms u64
        WebSocketFrameEvent: 1 correlation_id string; 2 client_to_server bool; 3 frame_type int32; 4 payload bytes
        """;

    [Test]
    public void EveryField_IsAsSpecified() => Assert.That(DescriptorText.Messages(AgentV2Reflection.Descriptor), Is.EqualTo(Specified.Split('\n')));

    [Test]
    public void Methods_HaveTheSpecifiedPaths()
    {
        var service = AgentV2Reflection.Descriptor.Services.Single();

        Assert.That(service.FullName, Is.EqualTo("zentinel.agent.v2.AgentServiceV2"));
        Assert.That(
            service.Methods.Select(method => (method.Name, method.IsClientStreaming, method.IsServerStreaming, method.InputType.Name, method.OutputType.Name)),
            Is.EqualTo(new[]
            {
                ("ProcessStream", true, true, "ProxyToAgent", "AgentToProxy"),
                ("ControlStream", true, true, "AgentControl", "ProxyControl"),
                ("ProcessEvent", false, false, "ProxyToAgent", "AgentToProxy"),
            }));
    }

    [Test]
    public void Enums_HaveTheSpecifiedNumbers() => Assert.That(DescriptorText.Enums(AgentV2Reflection.Descriptor), Is.EqualTo("""
        CancelReason: 0 CANCEL_REASON_UNSPECIFIED; 1 CANCEL_REASON_CLIENT_DISCONNECT; 2 CANCEL_REASON_TIMEOUT; 3 CANCEL_REASON_BLOCKED_BY_AGENT; 4 CANCEL_REASON_UPSTREAM_ERROR; 5 CANCEL_REASON_PROXY_SHUTDOWN; 6 CANCEL_REASON_MANUAL
        DrainRequest.Reason: 0 REASON_UNSPECIFIED; 1 REASON_CONFIG_RELOAD; 2 REASON_MAINTENANCE; 3 REASON_HEALTH_CHECK_FAILED; 4 REASON_MANUAL
        EventType: 0 EVENT_TYPE_UNSPECIFIED; 1 EVENT_TYPE_REQUEST_HEADERS; 2 EVENT_TYPE_REQUEST_BODY_CHUNK; 3 EVENT_TYPE_RESPONSE_HEADERS; 4 EVENT_TYPE_RESPONSE_BODY_CHUNK; 5 EVENT_TYPE_REQUEST_COMPLETE; 6 EVENT_TYPE_WEBSOCKET_FRAME; 7 EVENT_TYPE_GUARDRAIL_INSPECT; 8 EVENT_TYPE_CONFIGURE
        FlowAction: 0 FLOW_ACTION_UNSPECIFIED; 1 FLOW_ACTION_PAUSE; 2 FLOW_ACTION_RESUME; 3 FLOW_ACTION_UPDATE_CAPACITY
        GuardrailContentType: 0 GUARDRAIL_CONTENT_TYPE_UNSPECIFIED; 1 GUARDRAIL_CONTENT_TYPE_PROMPT; 2 GUARDRAIL_CONTENT_TYPE_RESPONSE; 3 GUARDRAIL_CONTENT_TYPE_SYSTEM; 4 GUARDRAIL_CONTENT_TYPE_TOOL_CALL; 5 GUARDRAIL_CONTENT_TYPE_TOOL_RESULT
        HealthState: 0 HEALTH_STATE_UNSPECIFIED; 1 HEALTH_STATE_HEALTHY; 2 HEALTH_STATE_DEGRADED; 3 HEALTH_STATE_DRAINING; 4 HEALTH_STATE_UNHEALTHY
        LogLevel: 0 LOG_LEVEL_UNSPECIFIED; 1 LOG_LEVEL_DEBUG; 2 LOG_LEVEL_INFO; 3 LOG_LEVEL_WARN; 4 LOG_LEVEL_ERROR
        ShutdownRequest.Reason: 0 REASON_UNSPECIFIED; 1 REASON_GRACEFUL; 2 REASON_IMMEDIATE; 3 REASON_CONFIG_RELOAD; 4 REASON_UPGRADE
        WebSocketFrameEvent.FrameType: 0 FRAME_TYPE_UNSPECIFIED; 1 FRAME_TYPE_TEXT; 2 FRAME_TYPE_BINARY; 3 FRAME_TYPE_PING; 4 FRAME_TYPE_PONG; 5 FRAME_TYPE_CLOSE
        """.Split('\n')));

    [Test]
    public void HandWrittenBytes_AreRead()
    {
        // AgentToProxy { response: { correlation_id "c1", block { status 403, body "no", headers [{ "a", "b" }] }, set header, needs_more } }
        var message = AgentToProxy.Parser.ParseFrom(Convert.FromHexString(
            "1221" + "0A026331" + "1A0F" + "089303" + "12026E6F" + "1A06" + "0A0161" + "120162" + "5208" + "0A06" + "0A0178" + "120179" + "7001"));

        Assert.That(message.MessageCase, Is.EqualTo(AgentToProxy.MessageOneofCase.Response));
        var response = message.Response;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.CorrelationId, Is.EqualTo("c1"));
            Assert.That(response.DecisionCase, Is.EqualTo(AgentResponse.DecisionOneofCase.Block));
            Assert.That((response.Block.Status, response.Block.Body), Is.EqualTo((403u, "no")));
            Assert.That(response.Block.Headers.Single(), Is.EqualTo(new Header { Name = "a", Value = "b" }));
            Assert.That(response.RequestHeaders.Single().Set, Is.EqualTo(new Header { Name = "x", Value = "y" }));
            Assert.That(response.NeedsMore, Is.True);
        }
    }

    [Test]
    public void Handshake_IsWrittenToTheByte()
    {
        var message = new ProxyToAgent { Handshake = new HandshakeRequest { SupportedVersions = { 2, 1 }, ProxyId = "p", ConfigJson = "{}" } };

        Assert.That(Convert.ToHexString(message.ToByteArray()), Is.EqualTo("0A0B" + "0A020201" + "120170" + "22027B7D"));
    }

    [Test]
    public void OptionalMember_IsThereOrNot()
    {
        var without = BodyChunkEvent.Parser.ParseFrom([]);
        var zero = BodyChunkEvent.Parser.ParseFrom([0x28, 0x00]);

        Assert.That((without.HasTotalSize, zero.HasTotalSize, zero.TotalSize), Is.EqualTo((false, true, 0UL)));
    }
}
