using System.Buffers;
using System.Text.Json;
using Google.Protobuf;
using NUnit.Framework;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Encodings.Protobuf;
using Sidecar.Protocol.Messages;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Tests.Encodings.Protobuf;

/// <summary>Every message there and back, with what the wire loses (spec §7.4, §7.5), and what peers may send.</summary>
public sealed class MappingTests
{
    private static readonly CorrelationId Id = CorrelationId.Parse("cid-1");

    public static IEnumerable<TestCaseData> Events()
    {
        var headers = Headers(("host", "a"), ("x", "1"), ("x", "2"));
        var request = new RequestHeadersEvent
        {
            CorrelationId = Id,
            Method = "PUT",
            Uri = "/a?b",
            Headers = headers,
            Metadata = new RequestMetadata
            {
                RequestId = "r",
                ClientIp = "::1",
                ClientPort = 65535,
                ServerName = "s",
                Protocol = "HTTP/2",
                TlsVersion = "TLSv1.3",
                RouteId = "route",
                UpstreamId = "up",
                Timestamp = "2026-01-02T03:04:05.678Z",
                Traceparent = "00-x",
                TlsCipher = "lost",
            },
        };
        yield return Row("request headers", request, $"{request with { Metadata = request.Metadata with { TlsCipher = null } }}");
        yield return Row("bare request headers", request with { Metadata = new RequestMetadata() }, $"{request with { Metadata = new RequestMetadata() }}");
        yield return Row("request headers without a body", request with { HasBody = false, Metadata = new RequestMetadata() });
        yield return Row("request headers with a body", request with { HasBody = true, Metadata = new RequestMetadata() });
        yield return Row("response headers", new ResponseHeadersEvent { CorrelationId = Id, Status = 204, Headers = headers });
        yield return Row(
            "complete",
            new RequestCompleteEvent
            {
                CorrelationId = Id,
                Status = 500,
                DurationMs = 7,
                RequestBodySize = 8,
                ResponseBodySize = 9,
                UpstreamAttempts = 1,
                Error = "e",
            });
        yield return Row("configure", new ConfigureEvent { CorrelationId = GrpcDialect.ConfigureId, ConfigVersion = "v" });

        static TestCaseData Row(string name, AgentEvent message, string? expected = null) =>
            new TestCaseData(message, expected ?? $"{message}").SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Events))]
    public void Event_ThereAndBack(AgentEvent message, string expected)
    {
        var back = ReadEvent(message);
        Assert.That($"{back}", Is.EqualTo(expected));
        if (back is RequestHeadersEvent { Headers: var got })
        {
            Assert.That(got.GetAll("x"), Is.EqualTo(new[] { "1", "2" }));
        }

    }

    [Test]
    public void BodyBytes_AreRaw_InBothDirections([Values] bool isRequest, [Values] bool hasSize)
    {
        var bytes = new byte[] { 0, 0xFF, 0x80 };
        BodyChunkEvent chunk = isRequest
            ? new RequestBodyChunkEvent { CorrelationId = Id, Data = bytes }
            : new ResponseBodyChunkEvent { CorrelationId = Id, Data = bytes };
        var back = (BodyChunkEvent)ReadEvent(chunk with { IsLast = true, ChunkIndex = 4, BytesTransferred = 12, TotalSize = hasSize ? 12 : null });
        Assert.That(back.Data.ToArray(), Is.EqualTo(bytes));
        Assert.That(
            (back.Type, back.IsLast, back.ChunkIndex, back.BytesTransferred, back.TotalSize),
            Is.EqualTo((chunk.Type, true, 4u, 12ul, hasSize ? 12ul : (ulong?)null)));
    }

    [Test]
    public void GuardrailContext_HoldsWhatHasNoField()
    {
        var message = new GuardrailInspectEvent
        {
            CorrelationId = Id,
            Content = "c",
            Categories = ["ssn", "email"],
            RouteId = "r",
            Metadata = new Dictionary<string, string> { ["k"] = "v\"" },
        };
        var back = (GuardrailInspectEvent)ReadEvent(message);
        Assert.That((back.Categories, back.Metadata, back.RouteId), Is.EqualTo((message.Categories, message.Metadata, "r")));
    }

    [TestCase(1, "", GuardrailInspectionType.PromptInjection)]
    [TestCase(2, "", GuardrailInspectionType.PiiDetection)]
    [TestCase(0, "", GuardrailInspectionType.PromptInjection)]
    [TestCase(2, "[1]", GuardrailInspectionType.PiiDetection)]
    [TestCase(0, """{"inspection_type":"pii_detection","categories":[1,"a"],"metadata":{"n":1}}""", GuardrailInspectionType.PiiDetection)]
    public void GuardrailKind_IsFoundWhereverItStands(int type, string context, GuardrailInspectionType expected)
    {
        var wire = new Wire.GuardrailInspectEvent { CorrelationId = "cid-1", ContentType = type, ContextJson = context };
        Assert.That(
            ((GuardrailInspectEvent)Read(new Wire.ProxyToAgent { Guardrail = wire }, MessageType.GuardrailInspect)).InspectionType, Is.EqualTo(expected));
    }

    [TestCase(0, WebSocketOpcode.Continuation)]
    [TestCase(1, WebSocketOpcode.Text)]
    [TestCase(2, WebSocketOpcode.Binary)]
    [TestCase(3, WebSocketOpcode.Ping)]
    [TestCase(4, WebSocketOpcode.Pong)]
    [TestCase(5, WebSocketOpcode.Close)]
    [TestCase(8, WebSocketOpcode.Close)]
    [TestCase(9, WebSocketOpcode.Ping)]
    [TestCase(10, WebSocketOpcode.Pong)]
    public void WebSocketKind_HasNumbersOfItsOwn(int number, WebSocketOpcode expected)
    {
        var back = (WebSocketFrameEvent)Read(
            new Wire.ProxyToAgent { WebsocketFrame = new Wire.WebSocketFrameEvent { FrameType = number } }, MessageType.WebSocketFrame);
        Assert.That((back.Opcode, back.Fin, back.FrameIndex), Is.EqualTo((expected, true, 0ul)));
        var sent = (WebSocketFrameEvent)ReadEvent(new WebSocketFrameEvent { Opcode = expected, Data = new byte[] { 1 } });
        Assert.That(sent.Opcode, Is.EqualTo(expected));
    }

    [Test]
    public void Answer_ThereAndBack()
    {
        var answer = new AgentResponse
        {
            Decision = new BlockDecision(418, "short and stout", new Dictionary<string, string> { ["X-Why"] = "tea" }),
            RequestHeaders = [HeaderOperation.Set("a", "1"), HeaderOperation.Add("b", "2"), HeaderOperation.Remove("c")],
            ResponseHeaders = [HeaderOperation.Remove("d")],
            NeedsMore = true,
            Guardrail = new GuardrailResponse { Detected = true, Confidence = 0.5 },
            Audit = new AuditMetadata
            {
                Tags = ["t"],
                RuleIds = ["r"],
                ReasonCodes = ["c"],
                Confidence = 0.25f,
                Custom = new Dictionary<string, JsonElement> { ["s"] = Json("\"text\""), ["n"] = Json("7"), ["o"] = Json("""{"a":[1]}""") },
            },
        };
        var (id, back) = ReadAnswer(AnswerMapping.ToWire(Id, answer));
        Assert.That(id, Is.EqualTo(Id));
        Assert.That(back.Decision, Is.InstanceOf<BlockDecision>().With.Property("Status").EqualTo(418).And.Property("Body").EqualTo("short and stout"));
        Assert.That(((BlockDecision)back.Decision).Headers, Is.EqualTo(new Dictionary<string, string> { ["X-Why"] = "tea" }));
        Assert.That((back.RequestHeaders, back.ResponseHeaders, back.NeedsMore), Is.EqualTo((answer.RequestHeaders, answer.ResponseHeaders, true)));
        Assert.That((back.Guardrail!.Detected, back.Guardrail.Confidence), Is.EqualTo((true, 0.5)));
        Assert.That(
            (back.Audit.Tags, back.Audit.RuleIds, back.Audit.ReasonCodes, back.Audit.Confidence),
            Is.EqualTo((answer.Audit.Tags, answer.Audit.RuleIds, answer.Audit.ReasonCodes, 0.25f)));
        Assert.That(back.Audit.Custom.ToDictionary(entry => entry.Key, entry => entry.Value.GetRawText()), Is.EqualTo(
            new Dictionary<string, string> { ["s"] = "\"text\"", ["n"] = "7", ["o"] = """{"a":[1]}""" }));
    }

    [Test]
    public void OtherDecisions_ThereAndBack()
    {
        Assert.That(
            ReadAnswer(AnswerMapping.ToWire(Id, new AgentResponse { Decision = new RedirectDecision("/x", 307) })).Response.Decision,
            Is.EqualTo(new RedirectDecision("/x", 307)));
        var challenge = (ChallengeDecision)ReadAnswer(
            AnswerMapping.ToWire(
                Id, new AgentResponse { Decision = new ChallengeDecision("js", new Dictionary<string, string> { ["k"] = "v" }) })).Response.Decision;
        Assert.That((challenge.ChallengeType, challenge.Parameters["k"]), Is.EqualTo(("js", "v")));
        Assert.That(ReadAnswer(AnswerMapping.ToWire(Id, AgentResponse.Allow)).Response, Is.SameAs(AgentResponse.Allow));
    }

    [Test]
    public void WhatSdksLeaveOut_HasTheProtocolsDefaults()
    {
        Assert.That(ReadAnswer(new Wire.AgentResponse { CorrelationId = "cid-1" }).Response, Is.SameAs(AgentResponse.Allow));
        Assert.That(ReadAnswer(new Wire.AgentResponse { Block = new Wire.BlockDecision() }).Response.Decision, Is.EqualTo(new BlockDecision(403)));
        Assert.That(
            ReadAnswer(new Wire.AgentResponse { Redirect = new Wire.RedirectDecision { Url = "/" } }).Response.Decision,
            Is.EqualTo(new RedirectDecision("/", 302)));
    }

    // Spec §5.8: a detail that cannot be carried out leaves a refusal what it is.
    [Test]
    public void RefusalWithAnUnfitDetail_IsReadAsARefusal()
    {
        Assert.That(ReadAnswer(new Wire.AgentResponse { Block = new Wire.BlockDecision { Status = 99 } }).Response.Decision, Is.EqualTo(new BlockDecision(0)));
        Assert.That(
            ReadAnswer(new Wire.AgentResponse { Redirect = new Wire.RedirectDecision { Status = 600 } }).Response.Decision,
            Is.EqualTo(new RedirectDecision("", 0)));
        Assert.That(ReadAnswer(new Wire.AgentResponse { Challenge = new Wire.ChallengeDecision() }).Response.Decision, Is.TypeOf<ChallengeDecision>());
    }

    public static IEnumerable<TestCaseData> BadAnswers() =>
    [
        Row("no operation", new() { RequestHeaders = { new Wire.HeaderOp() } }, "header operation"),
        Row("bad guardrail", new() { Audit = new Wire.AuditMetadata { Custom = { ["guardrail_response"] = "{}" } } }, "detected"),
    ];

    [TestCaseSource(nameof(BadAnswers))]
    public void BadAnswer_IsNamedAndKeepsItsId(Wire.AgentResponse wire, string expected)
    {
        wire.CorrelationId = "cid-1";
        Assert.That(() => ReadAnswer(wire), Throws.InstanceOf<ProtocolException>().With.Message.Contains(expected));
        Assert.That(ProtobufEncoding.OfProxy.SalvageCorrelationId(new Wire.AgentToProxy { Response = wire }.ToByteArray()), Is.EqualTo(Id));
    }

    [TestCase("\"quoted\"", "\"quoted\"")]
    [TestCase("plain", "\"plain\"")]
    [TestCase("-", "\"-\"")]
    [TestCase("{broken", "\"{broken\"")]
    [TestCase("true", "true")]
    [TestCase("null", "\"null\"")]
    [TestCase("", "\"\"")]
    public void CustomTexts_AreJsonWhereTheyCanBe(string text, string expected)
    {
        var (_, back) = ReadAnswer(new Wire.AgentResponse { Audit = new Wire.AuditMetadata { Custom = { ["k"] = text } } });
        Assert.That(back.Audit.Custom["k"].GetRawText(), Is.EqualTo(expected));
    }

    public static IEnumerable<TestCaseData> Uncarried() =>
    [
        new TestCaseData(new AgentResponse { RequestBodyMutation = new BodyMutation(new byte[] { 1 }, 0) }, "body mutation").SetArgDisplayNames("request body"),
        new TestCaseData(new AgentResponse { ResponseBodyMutation = new BodyMutation(null, 0) }, "body mutation").SetArgDisplayNames("response body"),
        new TestCaseData(new AgentResponse { WebSocketDecision = WebSocketDecision.Drop }, "WebSocket").SetArgDisplayNames("drop"),
        new TestCaseData(new AgentResponse { RoutingMetadata = new Dictionary<string, string> { ["a"] = "b" } }, "routing").SetArgDisplayNames("routing"),
    ];

    [TestCaseSource(nameof(Uncarried))]
    public void WhatHasNoField_IsRefusedWhole(AgentResponse answer, string expected) =>
        Assert.That(() => AnswerMapping.ToWire(Id, answer), Throws.InstanceOf<ProtocolException>().With.Message.Contains(expected));

    [Test]
    public void WebSocketClose_IsSaidAsABlock_AndAllowAsNothing()
    {
        var close = ReadAnswer(AnswerMapping.ToWire(Id, new AgentResponse { WebSocketDecision = WebSocketDecision.Close(1008, "policy") })).Response;
        Assert.That(close.Decision, Is.EqualTo(new BlockDecision(403, "policy")));
        Assert.That(
            ReadAnswer(AnswerMapping.ToWire(Id, new AgentResponse { WebSocketDecision = WebSocketDecision.Allow })).Response, Is.SameAs(AgentResponse.Allow));
    }

    // Clients put any byte into a target; newer versions of the package refuse the whole message for one that is no UTF-8.
    [Test]
    public void TextThatIsNoUtf8_IsReadAllTheSame()
    {
        var sent = new Wire.ProxyToAgent { RequestHeaders = new() { Metadata = new(), Method = "GET", Uri = "/~a" } }.ToByteArray();
        sent[Array.IndexOf(sent, (byte)'~')] = 0xFF;

        var read = (RequestHeadersEvent)ProtobufEncoding.OfAgent.ReadEvent(MessageType.RequestHeaders, sent);

        Assert.That(read.Uri, Is.EqualTo("/\uFFFDa"));
    }

    [Test]
    public void SalvagedId_OfEveryKindOfEvent([ValueSource(nameof(EventsByKind))] Wire.ProxyToAgent message)
    {
        var bytes = message.ToByteArray().Concat(new byte[] { 0xFF }).ToArray();
        Assert.That($"{ProtobufEncoding.OfAgent.SalvageCorrelationId(bytes)}", Is.EqualTo(message.Configure is null ? "cid-1" : "configure"));
    }

    public static IEnumerable<Wire.ProxyToAgent> EventsByKind() =>
    [
        new() { RequestHeaders = new() { Metadata = new() { CorrelationId = "cid-1" } } },
        new() { RequestBodyChunk = new() { CorrelationId = "cid-1" } },
        new() { ResponseHeaders = new() { CorrelationId = "cid-1" } },
        new() { Guardrail = new() { CorrelationId = "cid-1", ContextJson = "{" } },
        new() { Configure = new() { ConfigJson = "{" } },
    ];

    private static TestCaseData Row(string name, Wire.AgentResponse wire, string expected) => new TestCaseData(wire, expected).SetArgDisplayNames(name);

    private static AgentEvent ReadEvent(AgentEvent message)
    {
        var output = new ArrayBufferWriter<byte>();
        ProtobufEncoding.OfProxy.WriteEvent(output, message);
        return ProtobufEncoding.OfAgent.ReadEvent(message.Type, output.WrittenMemory);
    }

    private static AgentEvent Read(Wire.ProxyToAgent wire, MessageType type) => ProtobufEncoding.OfAgent.ReadEvent(type, wire.ToByteArray());

    private static AgentAnswer ReadAnswer(Wire.AgentResponse wire) =>
        ProtobufEncoding.OfProxy.ReadResponse(new Wire.AgentToProxy { Response = wire }.ToByteArray());

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    private static HeaderBlock Headers(params (string Name, string Value)[] fields)
    {
        var headers = new HeaderBlock();
        foreach (var (name, value) in fields)
        {
            headers.Add(name, value);
        }

        return headers;
    }
}
