using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

/// <summary>Whatever an event holds, an agent of the reference decodes it: what it cannot decode it lets pass.</summary>
public sealed class ReferenceDecoderTests
{
    internal static readonly MessageType[] Types =
    [
        MessageType.RequestHeaders, MessageType.RequestBodyChunk, MessageType.ResponseHeaders, MessageType.ResponseBodyChunk,
        MessageType.RequestComplete, MessageType.WebSocketFrame, MessageType.GuardrailInspect, MessageType.Configure,
    ];

    [FsCheck.NUnit.Property(MaxTest = 1500, QuietOnSuccess = true)]
    public void AnyEvent_IsDecodedByTheReference_InBothEncodings(int number)
    {
        foreach (var type in Types)
        {
            var message = AnyEvent.Of(number, type);
            foreach (var isJson in (bool[])[true, false])
            {
                Assert.That(ReferenceRules.Problem(type, AnyMessage.Write(AnyMessage.Encoding(isJson), message), isJson), Is.Null, $"{type}, {(isJson ? "JSON" : "MessagePack")}, number {number}");
            }
        }
    }

    [Test]
    public void NamesThatAreNoUtf8_StayDifferent_InBothEncodings()
    {
        var headers = new HeaderBlock();
        headers.Add([(byte)'x', 0xE9], "first"u8);
        headers.Add([(byte)'x', 0xFF], "second"u8);
        headers.AddNameOnly([(byte)'X', 0xE9]);
        var message = new ResponseHeadersEvent { CorrelationId = CorrelationId.Parse("a"), Status = 200, Headers = headers };
        foreach (var isJson in (bool[])[true, false])
        {
            var encoding = AnyMessage.Encoding(isJson);
            var again = (ResponseHeadersEvent)encoding.ReadEvent(message.Type, AnyMessage.Write(encoding, message));
            Assert.That((again.Headers.Get("xé"), again.Headers.Get("xÿ"), again.Headers.NameCount), Is.EqualTo(("first", "second", 2)));
        }
    }

    // The rules have to find what they are for.
    [TestCase("""{"correlation_id":"a","status":200,"headers":{"a":["b"]}}""", null)]
    [TestCase("""{"correlation_id":"a","correlation_id":"a","status":200,"headers":{}}""", "stands twice")]
    [TestCase("""{"correlation_id":"a","status":65536,"headers":{}}""", "65535")]
    [TestCase("""{"correlation_id":"a","status":200.0,"headers":{}}""", "integer")]
    [TestCase("""{"correlation_id":"a","status":200}""", "headers is missing")]
    [TestCase("""{"correlation_id":null,"status":200,"headers":{}}""", "not Text")]
    [TestCase("""{"correlation_id":"a","status":200,"headers":{"a":"b"}}""", "not an array")]
    [TestCase("""{"correlation_id":"a","status":200,"headers":{"a":[],"a":[]}}""", "stands twice")]
    [TestCase("""{"correlation_id":"\ud800","status":200,"headers":{}}""", "surrogate")]
    [TestCase("""["a",200,{}]""", "not a map")]
    public void Rules_FindWhatTheReferenceDoesNotDecode(string json, string? problem) =>
        Assert.That(
            ReferenceRules.Problem(MessageType.ResponseHeaders, System.Text.Encoding.UTF8.GetBytes(json), isJson: true),
            problem is null ? Is.Null : Does.Contain(problem));

    [Test]
    public void Rules_TakeNoRawBytesForABody()
    {
        var chunk = new RequestBodyChunkEvent { CorrelationId = CorrelationId.Parse("a"), Data = new byte[] { 0xFF }, IsLast = true };
        var raw = AnyMessage.Write(MessageEncodings.MessagePackBinaryBody, chunk);
        Assert.That(ReferenceRules.Problem(MessageType.RequestBodyChunk, raw, isJson: false), Does.Contain("base64"));
    }
}
