using System.Text;
using System.Text.Json;
using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

public sealed class HandshakeCodecTests
{
    [Test]
    public void Response_OnlyWhatMustBeThere_TakesDefaults()
    {
        var read = HandshakeCodec.ReadResponse(Utf8("""{"protocol_version":2,"success":true,"capabilities":{"features":{"websocket":true},"extra":1}}"""));
        Assert.Multiple(() =>
        {
            Assert.That(read.Capabilities, Is.EqualTo(new AgentCapabilities { Features = new AgentFeatures { WebSocket = true } }));
            Assert.That(read.Encoding, Is.EqualTo("json"));
        });
    }

    [TestCase("null")]
    [TestCase("{}")]
    public void Response_Refusal_NeedsNoCapabilities(string capabilities)
    {
        var read = HandshakeCodec.ReadResponse(Utf8($$"""{"protocol_version":0,"success":false,"error":"no","capabilities":{{capabilities}}}"""));
        Assert.That((read.Success, read.Error), Is.EqualTo((false, "no")));
    }

    [TestCase("""{"success":true,"capabilities":{}}""", "protocol_version")]
    [TestCase("""{"protocol_version":2,"accepted":true,"capabilities":{}}""", "success")]
    [TestCase("""{"protocol_version":2,"success":true}""", "capabilities")]
    [TestCase("""{"protocol_version":"2","success":true,"capabilities":{}}""", "protocol_version")]
    [TestCase("not json", "HandshakeResponse")]
    [TestCase("", "")]
    public void Response_WithoutWhatMustBeThere_IsAProtocolError(string payload, string part) =>
        Assert.That(() => HandshakeCodec.ReadResponse(Utf8(payload)), Throws.InstanceOf<ProtocolException>().With.Message.Contains(part));

    [TestCase("[1,2,8]", EventSet.RequestHeaders | EventSet.RequestBodyChunk | EventSet.Configure)]
    [TestCase("[0]", EventSet.Configure)]
    [TestCase("[99,-1,6]", EventSet.WebSocketFrame)]
    [TestCase("""["request_headers","request-body","log","websocket_frame","web_socket_frame","nothing"]""",
        EventSet.RequestHeaders | EventSet.RequestBodyChunk | EventSet.RequestComplete | EventSet.WebSocketFrame)]
    [TestCase("""["response_headers","response_body_chunk","guardrail","configure",null]""",
        EventSet.ResponseHeaders | EventSet.ResponseBodyChunk | EventSet.GuardrailInspect | EventSet.Configure)]
    [TestCase("[]", EventSet.None)]
    public void SupportedEvents_NumbersAndNames_AreUnderstood(string events, EventSet expected)
    {
        var read = HandshakeCodec.ReadResponse(Utf8(
            $$$"""{"protocol_version":2,"success":true,"capabilities":{"supported_events":{{{events}}}}}"""));
        Assert.That(read.Capabilities.SupportedEvents, Is.EqualTo(expected));
    }

    [Test]
    public void Response_Refusal_IsWrittenWithEveryMember()
    {
        var written = JsonElement.Parse(AnyMessage.Write(MessageEncodings.Json, new HandshakeResponse { Error = "no" }));
        var reference = GoldenFrame.All.First(frame => frame.Name is "handshake_response_failure").Fields;
        Assert.Multiple(() =>
        {
            Assert.That(written.EnumerateObject().Select(p => p.Name), Is.EquivalentTo(reference.EnumerateObject().Select(p => p.Name)));
            Assert.That(JsonMatch.Difference(reference.GetProperty("capabilities"), written.GetProperty("capabilities")), Is.Null);
        });
    }

    [Test]
    public void BinaryBody_RoundTripsAndIsOnlyWrittenWhenSet()
    {
        var response = new HandshakeResponse { Capabilities = new AgentCapabilities { Features = new AgentFeatures { BinaryBody = true } } };
        var read = HandshakeCodec.ReadResponse(AnyMessage.Write(MessageEncodings.Json, response));
        Assert.That(read.Capabilities.Features.BinaryBody, Is.True);
    }

    [Test]
    public void Request_UnknownEncodingsAndMembers_AreKeptAndIgnored()
    {
        var read = HandshakeCodec.ReadRequest(Utf8("""{"supported_versions":[2,1],"client_name":"x","supported_encodings":["cbor","json"]}"""));
        Assert.Multiple(() =>
        {
            Assert.That(read.SupportedVersions, Is.EqualTo(new uint[] { 2, 1 }));
            Assert.That(read.SupportedEncodings, Is.EqualTo(new[] { "cbor", "json" }));
        });
    }

    [TestCase("""{"proxy_id":"p"}""", "supported_versions")]
    [TestCase("""{"supported_versions":[-1]}""", "supported_versions")]
    [TestCase("[", "HandshakeRequest")]
    public void Request_WithoutVersions_IsAProtocolError(string payload, string part) =>
        Assert.That(() => HandshakeCodec.ReadRequest(Utf8(payload)), Throws.InstanceOf<ProtocolException>().With.Message.Contains(part));

    [TestCase("""{"agent_id":"a","capabilities":{}}""", "protocol_version")]
    [TestCase("""{"protocol_version":2,"capabilities":{}}""", "agent_id")]
    [TestCase("""{"protocol_version":2,"agent_id":"a"}""", "capabilities")]
    public void Registration_WithoutWhatMustBeThere_IsAProtocolError(string payload, string part) => Assert.That(
        () => HandshakeCodec.ReadRegistrationRequest(Utf8(payload)), Throws.InstanceOf<ProtocolException>().With.Message.Contains(part));

    [TestCase(true, null, """{"accepted":true,"error":null}""")]
    [TestCase(false, "no \"R\"", """{"accepted":false,"error":"no \"R\""}""")]
    public void RegistrationAck_IsWrittenAsDialectRReadsIt(bool accepted, string? error, string expected)
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        HandshakeCodec.WriteRegistrationAck(output, accepted, error);
        Assert.That(JsonMatch.Difference(JsonElement.Parse(expected), JsonElement.Parse(output.WrittenSpan)), Is.Null);
    }

    [Test]
    public void ByName_UnknownName_IsAProtocolError() => Assert.Multiple(() =>
    {
        Assert.That(MessageEncodings.ByName("msgpack"), Is.SameAs(MessageEncodings.MessagePack));
        Assert.That(() => MessageEncodings.ByName("cbor"), Throws.InstanceOf<ProtocolException>().With.Message.Contains("cbor"));
    });

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
