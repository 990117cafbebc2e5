using System.Buffers;
using System.Text;
using MessagePack;
using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

[TestFixture(ProtocolConstants.Json)]
[TestFixture(ProtocolConstants.MessagePack)]
public sealed class EventCodecTests(string encodingName)
{
    private readonly MessageEncoding _encoding = MessageEncodings.ByName(encodingName);

    [TestCase(MessageType.RequestHeaders, """{"metadata":{},"uri":"/"}""", "method")]
    [TestCase(MessageType.RequestHeaders, """{"method":"GET","uri":"/"}""", "metadata")]
    [TestCase(MessageType.RequestHeaders, """{"metadata":{"client_port":70000},"method":"GET","uri":"/"}""", "client_port")]
    [TestCase(MessageType.RequestBodyChunk, """{"data":""}""", "is_last")]
    [TestCase(MessageType.RequestBodyChunk, """{"is_last":true}""", "data")]
    [TestCase(MessageType.RequestBodyChunk, """{"is_last":true,"data":"a"}""", "base64")]
    [TestCase(MessageType.ResponseHeaders, """{"headers":{}}""", "status")]
    [TestCase(MessageType.WebSocketFrame, """{"opcode":"what","data":""}""", "what")]
    [TestCase(MessageType.GuardrailInspect, """{"content":"c"}""", "inspection_type")]
    [TestCase(MessageType.Configure, "7", "an object")]
    [TestCase(MessageType.AgentResponse, "{}", "0x20")]
    public void Event_ThatIsNone_IsAProtocolErrorWithTheReason(MessageType type, string payload, string part) =>
        Assert.That(() => Read(type, payload), Throws.InstanceOf<ProtocolException>().With.Message.Contains(part));

    [Test]
    public void RequestHeaders_SuperfluousMissingAndNullMembers_AreTolerated()
    {
        var read = (RequestHeadersEvent)Read(
            MessageType.RequestHeaders,
            """{"metadata":{"correlation_id":"inner","server_name":null,"x":{"y":[]}},"method":"GET","uri":"/","request_id":7,"has_body":true,"headers":{"A":["1","2"],"b":"3","c":[],"d":null}}""");
        Assert.Multiple(() =>
        {
            Assert.That(read.CorrelationId.ToString(), Is.EqualTo("inner"));
            Assert.That(read.Headers.GetAll("a"), Is.EqualTo(new[] { "1", "2" }));
            Assert.That(read.Headers.GetAll("b"), Is.EqualTo(new[] { "3" }));
            Assert.That(read.Headers.Count, Is.EqualTo(5));
            Assert.That(read.Metadata.ServerName, Is.Null);
        });
    }

    [Test]
    public void RequestHeaders_RepeatedNames_AreGroupedUnderTheFirst()
    {
        var shape = ReferenceShape.Of(_encoding.ReadEvent(MessageType.RequestHeaders, Write(TypicalMessages.RequestHeaders())));
        Assert.That(shape["headers"]!["accept"]!.ToJsonString(), Is.EqualTo("""["text/html","*/*"]"""));
    }

    [Test]
    public void RequestHeaders_InvalidUtf8_IsLatin1InNames_ReplacedInValues_AndNeverThrows()
    {
        var message = TypicalMessages.RequestHeaders();
        message.Headers.Add([0x78, 0xFF], [0x61, 0xC3, 0x28, 0xED, 0xA0, 0x80]);
        var read = (RequestHeadersEvent)_encoding.ReadEvent(MessageType.RequestHeaders, Write(message with { Uri = "/\uD800" }));
        Assert.Multiple(() =>
        {
            Assert.That(read.Headers.Get("x\u00FF"), Does.StartWith("a\uFFFD("));
            Assert.That(read.Uri, Is.EqualTo("/\uFFFD"));
        });
    }

    [Test]
    public void BodyChunk_EveryLength_RoundTrips([Values(0, 1, 2, 3, 767, 768, 769, 100_000)] int length)
    {
        var data = new byte[length];
        new Random(7).NextBytes(data);
        var message = new RequestBodyChunkEvent { CorrelationId = TypicalMessages.Id, Data = data, IsLast = true, TotalSize = ulong.MaxValue };
        var read = (RequestBodyChunkEvent)_encoding.ReadEvent(message.Type, Write(message));
        Assert.Multiple(() =>
        {
            Assert.That(read.Data.ToArray(), Is.EqualTo(data));
            Assert.That(read.TotalSize, Is.EqualTo(ulong.MaxValue));
            Assert.That(read.CorrelationId, Is.EqualTo(TypicalMessages.Id));
        });
    }

    [TestCase("""{"correlation_id":"a","metadata":{"correlation_id":"b"}}""", "a")]
    [TestCase("""{"metadata":{"correlation_id":"b"}}""", "b")]
    [TestCase("""{"decision":7,"audit":{"custom":{"correlation_id":"c"}},"correlation_id":"a"}""", "c")]
    [TestCase("""["d","x"]""", "d")]
    [TestCase("""[["b"],"GET"]""", "b")]
    [TestCase("""[2,7,[],[],{},[[],[],null,[],{"correlation_id":"c"}]]""", "c")]
    [TestCase("""{"correlation_id":7}""", "")]
    [TestCase("7", "")]
    public void SalvageCorrelationId_WhereverItIs_IsFound(string payload, string expected) =>
        Assert.That(_encoding.SalvageCorrelationId(Bytes.Of(_encoding, payload)).ToString(), Is.EqualTo(expected));

    [Test]
    public void SalvageCorrelationId_BrokenBehindTheId_IsFound()
    {
        var whole = Write(TypicalMessages.RequestHeaders());
        Assert.That(_encoding.SalvageCorrelationId(whole.AsMemory(0, whole.Length / 2)), Is.EqualTo(TypicalMessages.Id));
    }

    [Test]
    public void BinaryBody_IsWrittenRawAndReadWithoutACopy()
    {
        var output = new ArrayBufferWriter<byte>();
        byte[] data = [0xFF, 0x00, 0x80];
        MessageEncodings.MessagePackBinaryBody.WriteEvent(output, new ResponseBodyChunkEvent { CorrelationId = TypicalMessages.Id, Data = data });
        var payload = output.WrittenSpan.ToArray();
        var read = (ResponseBodyChunkEvent)MessageEncodings.MessagePack.ReadEvent(MessageType.ResponseBodyChunk, payload);
        Assert.Multiple(() =>
        {
            Assert.That(payload.AsSpan().IndexOf((ReadOnlySpan<byte>)[MessagePackCode.Bin8, 3, 0xFF, 0x00, 0x80]), Is.Positive);
            Assert.That(read.Data.Span.Overlaps(payload), Is.True);
            Assert.That(read.Data.ToArray(), Is.EqualTo(data));
        });
    }

    [Test]
    public void Configure_DeepObject_IsRefusedBeyondTheLimitOnly([Values(40, 200)] int depth)
    {
        var payload = Encoding.UTF8.GetBytes($$"""{"config":{{new string('[', depth)}}{{new string(']', depth)}}}""");
        if (depth < 64)
        {
            Assert.That(MessageEncodings.Json.ReadEvent(MessageType.Configure, payload), Is.Not.Null);
        }
        else
        {
            Assert.That(() => MessageEncodings.Json.ReadEvent(MessageType.Configure, payload), Throws.InstanceOf<ProtocolException>());
        }
    }

    [TestCase(4096, true)]
    [TestCase(4097, false)]
    public void RequestHeaders_MoreFieldsThanTheLimit_AreAProtocolError(int count, bool taken)
    {
        var headers = new HeaderBlock(count);
        for (var i = 0; i < count; i++)
        {
            headers.Add($"h{i}", "");
        }

        var payload = Write(TypicalMessages.RequestHeaders() with { Headers = headers });
        Assert.That(
            () => _encoding.ReadEvent(MessageType.RequestHeaders, payload),
            taken ? Throws.Nothing : Throws.InstanceOf<ProtocolException>().With.Message.Contains("4096"));
    }

    [Test]
    public void Payload_WithSomethingBehindIt_IsAProtocolError() => Assert.That(
        () => _encoding.ReadEvent(MessageType.Configure, (byte[])[.. Bytes.Of(_encoding, "{}"), .. Bytes.Of(_encoding, "{}")]),
        Throws.InstanceOf<ProtocolException>());

    private AgentEvent Read(MessageType type, string payload) => _encoding.ReadEvent(type, Bytes.Of(_encoding, payload));

    private byte[] Write(AgentEvent message) => AnyMessage.Write(_encoding, message);
}
