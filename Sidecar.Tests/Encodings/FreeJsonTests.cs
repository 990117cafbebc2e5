using System.Text;
using System.Text.Json;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

/// <summary>Free JSON values whose strings are no text: whoever writes them later must not stumble over what a reader let pass.</summary>
internal sealed class FreeJsonTests
{
    [TestCase("""{"a":"\ud800"}""", """{"a":"\ufffd"}""")]
    [TestCase("""{"\udc00":1}""", """{"\ufffd":1}""")]
    [TestCase("""["\ud800\ud83d\ude00\udc00x"]""", """["\ufffd\ud83d\ude00\ufffdx"]""")]
    [TestCase("""["\ud800\\udc00"]""", """["\ufffd\\udc00"]""")]
    [TestCase("""["\ud800\n","\\ud800"]""", """["\ufffd\n","\\ud800"]""")]
    public void HalfACharacter_BecomesTheReplacement(string json, string expected) =>
        Assert.That(FreeJson.Repaired(JsonElement.Parse(json)).GetRawText(), Is.EqualTo(expected));

    [TestCase("""{"a":["\u00fc\ud83d\ude00","\\\"\u0000",null,1e5]}""")]
    [TestCase("7")]
    public void Text_StaysAsItIs(string json) => Assert.That(FreeJson.Repaired(JsonElement.Parse(json)).GetRawText(), Is.EqualTo(json));

    [TestCase("""{"config":{"\ud800":["\udc00"]}}""")]
    [TestCase("{\"config\":{\"\u00ff\":[\"\u00c3\"]}}")]
    public void Configuration_OfAnyBytes_IsTheSameInEveryEncoding(string payload)
    {
        var read = (ConfigureEvent)MessageEncodings.Json.ReadEvent(MessageType.Configure, Encoding.Latin1.GetBytes(payload));

        foreach (var encoding in new[] { MessageEncodings.Json, MessageEncodings.MessagePack })
        {
            var again = (ConfigureEvent)AnyMessage.Read(encoding, MessageType.Configure, registration: false, AnyMessage.Write(encoding, read));
            Assert.That(again.Config!.Value.EnumerateObject().Single().Name, Is.EqualTo("\ufffd"), encoding.Name);
            Assert.That(again.Config!.Value.EnumerateObject().Single().Value[0].GetString(), Is.EqualTo("\ufffd"), encoding.Name);
        }
    }

    [Test]
    public void ConfigurationFile_WithANumberThatNoAgentReads_IsRefused() =>
        Assert.That(() => ConfigurationFile.Parse("""{"a":[1e300,{"b":-1e999}]}"""u8.ToArray()), Throws.InstanceOf<JsonException>().With.Message.Contain("'-1e999'"));

    [Test]
    public void ConfigurationFile_WithHalfACharacter_CanBePushed() =>
        Assert.That(ConfigurationFile.Parse("""["\ud800"]"""u8.ToArray())[0].GetString(), Is.EqualTo("\ufffd"));

    [Test]
    public void NumberBeyondADouble_IsAProtocolError() =>
        Assert.That(
            () => MessageEncodings.Json.ReadMetrics("""{"agent_id":"a","timestamp_ms":1,"interval_ms":1,"gauges":[{"name":"g","value":1e400}]}"""u8.ToArray()),
            Throws.TypeOf<ProtocolException>().With.Message.Contains("beyond"));
}
