using System.Buffers;
using System.Text.Json;
using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

/// <summary>Where a guardrail's findings may stand in an answer (spec §5.5).</summary>
[TestFixture(ProtocolConstants.Json)]
[TestFixture(ProtocolConstants.MessagePack)]
public sealed class GuardrailAnswerTests(string encodingName)
{
    private const string Found =
        """{"detected":true,"confidence":0.5,"detections":[{"category":"ssn","description":"d","severity":"critical","confidence":1,"span":{"start":1,"end":4}}],"redacted_content":"x"}""";

    private readonly MessageEncoding _encoding = MessageEncodings.ByName(encodingName);

    private static string AsText => JsonSerializer.Serialize(Found);

    private static IEnumerable<string> Forms =>
    [
        $$$"""{"decision":"allow","routing_metadata":{"guardrail_response":{{{AsText}}},"pool":"a"}}""",
        $$$$"""{"decision":"allow","audit":{"custom":{"guardrail_response":{{{{Found}}}}}}}""",
        $$$$"""{"decision":"allow","audit":{"custom":{"guardrail_response":{{{{AsText}}}}}}}""",
        Found,
        $$$"""{"type":"guardrail_response","payload":{{{Found}}}}""",
        $$$"""{"payload":{{{Found}}},"type":"guardrail_response"}""",
        $$$"""{"decision":"allow","detected":false,"routing_metadata":{"guardrail_response":{{{AsText}}}}}""",
    ];

    [TestCaseSource(nameof(Forms))]
    public void Findings_InAnyForm_AreUnderstood(string payload)
    {
        var response = Read(payload).Response;
        Assert.Multiple(() =>
        {
            Assert.That(response.Guardrail!.Detected, Is.True);
            Assert.That(response.Guardrail.Confidence, Is.EqualTo(0.5));
            Assert.That(response.Guardrail.RedactedContent, Is.EqualTo("x"));
            Assert.That(response.Guardrail.Detections, Is.EqualTo(new[]
            {
                new GuardrailDetection
                {
                    Category = "ssn", Description = "d", Severity = GuardrailSeverity.Critical, Confidence = 1, Span = new TextSpan(1, 4),
                },
            }));
            Assert.That(response.RoutingMetadata.Keys, Has.No.Member("guardrail_response"));
            Assert.That(response.Audit.Custom, Is.Empty);
        });
    }

    [TestCase("""{"routing_metadata":{"guardrail_response":"no json"}}""")]
    [TestCase("""{"routing_metadata":{"guardrail_response":"{}"}}""")]
    [TestCase("""{"routing_metadata":{"guardrail_response":"[]"}}""")]
    [TestCase("""{"audit":{"custom":{"guardrail_response":"no json"}}}""")]
    [TestCase("""{"detected":"yes"}""")]
    [TestCase("""{"detected":true,"detections":[{}]}""")]
    public void Findings_ThatAreNone_AreAProtocolError(string payload) =>
        Assert.That(() => Read(payload), Throws.InstanceOf<ProtocolException>());

    [TestCase("""{"decision":"allow"}""")]
    [TestCase("""{"routing_metadata":{"guardrail_response":null},"audit":{"custom":{"guardrail_response":null}}}""")]
    public void Answer_WithoutFindings_HasNone(string payload) => Assert.That(Read(payload).Response.Guardrail, Is.Null);

    [Test]
    public void Findings_Written_StandAsJsonTextInRoutingMetadata()
    {
        var response = new AgentResponse
        {
            Guardrail = new GuardrailResponse { Detected = true },
            RoutingMetadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["guardrail_response"] = "old", ["pool"] = "a" },
        };
        var output = new ArrayBufferWriter<byte>();
        MessageEncodings.Json.WriteResponse(output, CorrelationId.Parse("c"), response);
        var routing = JsonElement.Parse(output.WrittenSpan).GetProperty("routing_metadata");
        var expected = JsonElement.Parse("""{"detected":true,"confidence":0,"detections":[]}""");
        Assert.Multiple(() =>
        {
            Assert.That(routing.GetPropertyCount(), Is.EqualTo(2));
            Assert.That(JsonMatch.Difference(expected, JsonElement.Parse(routing.GetProperty("guardrail_response").GetString()!)), Is.Null);
        });
    }

    private AgentAnswer Read(string payload) => _encoding.ReadResponse(Bytes.Of(_encoding, payload));
}
