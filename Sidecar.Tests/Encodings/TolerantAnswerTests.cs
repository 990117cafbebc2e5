using System.Text.Json;
using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

/// <summary>Every form of an answer that spec §4.12 lists, each in both encodings.</summary>
[TestFixture(ProtocolConstants.Json)]
[TestFixture(ProtocolConstants.MessagePack)]
public sealed class TolerantAnswerTests(string encodingName)
{
    private const string Allow = """{"decision":"allow"}""";
    private const string Block403 = """{"decision":{"block":{"status":403,"body":null,"headers":null}}}""";

    private readonly MessageEncoding _encoding = MessageEncodings.ByName(encodingName);

    [TestCase("""{"decision":"allow","version":1}""", """{"version":1,"decision":"allow"}""")]
    [TestCase("""{"decision":"allow"}""", """{"version":2,"decision":"allow","needs_more":false,"request_headers":[]}""")]
    [TestCase("""{"decision":{"allow":{}}}""", Allow)]
    [TestCase("""{"decision":{"allow":null}}""", Allow)]
    [TestCase("""{"decision":{"allow":[]}}""", Allow)]
    [TestCase("""{"decision":{"type":"allow"}}""", Allow)]
    [TestCase("""{"version":2}""", Allow)]
    [TestCase("{}", Allow)]
    [TestCase("""[2,"allow"]""", Allow)]
    [TestCase("""[2,"allow",[],[],{},null,true]""", """{"decision":"allow","needs_more":true}""")]
    [TestCase("""[2,"allow",[],[],{},{},false,null,null,null,"extra",7]""", Allow)]
    [TestCase("""{"decision":{"needs_more":true}}""", """{"decision":"allow","needs_more":true}""")]
    [TestCase("""{"decision":{"block":{"status":403}}}""", Block403)]
    [TestCase("""{"decision":{"block":{}}}""", Block403)]
    [TestCase("""{"decision":{"block":[403,null,null]}}""", Block403)]
    [TestCase("""{"type":"response","payload":{"type":"block","decision":{"type":"block"}}}""", Block403)]
    [TestCase("""{"decision":{"status":403,"type":"block"}}""", Block403)]
    [TestCase("""{"decision":{"type":"block","status":429,"body":"slow"}}""", """{"decision":{"block":{"status":429,"body":"slow"}}}""")]
    [TestCase("""{"decision":{"block":{"status":403.0}}}""", Block403)]
    [TestCase("""{"decision":{"redirect":{"url":"/l"}}}""", """{"decision":{"redirect":{"url":"/l","status":302}}}""")]
    [TestCase("""{"decision":{"type":"redirect","url":"/l","status":307}}""", """{"decision":{"redirect":{"url":"/l","status":307}}}""")]
    [TestCase("""{"decision":{"challenge":{"challenge_type":"js"}}}""", """{"decision":{"challenge":{"challenge_type":"js","params":{}}}}""")]
    [TestCase("""{"decision":{"type":"challenge","challenge_type":"js"}}""", """{"decision":{"challenge":{"challenge_type":"js","params":{}}}}""")]
    [TestCase(
        """{"decision":{"challenge":{"challenge_type":"c","params":{"n":7,"b":true,"o":{"x":[1]},"s":"t","z":null}}}}""",
        """{"decision":{"challenge":{"challenge_type":"c","params":{"n":"7","b":"true","o":"{\"x\":[1]}","s":"t","z":"null"}}}}""")]
    public void Decision_InAnyForm_IsUnderstood(string payload, string expected) => AssertAnswer(payload, expected);

    // Spec §5.8: what an agent refused in plain words must not become its failure, and pass where that is open.
    [TestCase("""{"block":{"status":99}}""", """{"block":{"status":0}}""")]
    [TestCase("""{"block":{"status":600}}""", """{"block":{"status":0}}""")]
    [TestCase("""{"block":{"status":70000}}""", """{"block":{"status":0}}""")]
    [TestCase("""{"block":{"status":-1}}""", """{"block":{"status":0}}""")]
    [TestCase("""{"block":{"status":403.5}}""", """{"block":{"status":0}}""")]
    [TestCase("""{"block":{"status":"429"}}""", """{"block":{"status":403}}""")]
    [TestCase("""{"block":{"headers":["a"],"body":7}}""", """{"block":{"status":403,"body":"7","headers":null}}""")]
    [TestCase("""{"block":true}""", """{"block":{"status":403}}""")]
    [TestCase("\"block\"", """{"block":{"status":403}}""")]
    [TestCase("""{"redirect":{"status":302}}""", """{"redirect":{"url":"","status":302}}""")]
    [TestCase("""{"redirect":{"url":"/","status":99}}""", """{"redirect":{"url":"/","status":0}}""")]
    [TestCase("""{"redirect":{"url":7}}""", """{"redirect":{"url":"","status":302}}""")]
    [TestCase("\"redirect\"", """{"redirect":{"url":"","status":302}}""")]
    [TestCase("""{"challenge":{}}""", """{"challenge":{"challenge_type":"","params":{}}}""")]
    [TestCase("""{"challenge":{"challenge_type":1,"params":"x"}}""", """{"challenge":{"challenge_type":"","params":{}}}""")]
    public void RefusalWithAnUnfitDetail_IsReadAsARefusal(string decision, string expected) =>
        AssertAnswer($$"""{"decision":{{decision}}}""", $$"""{"decision":{{expected}}}""");

    [TestCase("""{"set":{"name":"a","value":"1"}}""", """{"set":{"name":"a","value":"1"}}""")]
    [TestCase("""{"add":["a","1"]}""", """{"add":{"name":"a","value":"1"}}""")]
    [TestCase("""{"remove":{"name":"a"}}""", """{"remove":{"name":"a"}}""")]
    [TestCase("""{"remove":["a"]}""", """{"remove":{"name":"a"}}""")]
    [TestCase("""{"remove":"a"}""", """{"remove":{"name":"a"}}""")]
    [TestCase("""{"operation":"set","name":"a","value":"1"}""", """{"set":{"name":"a","value":"1"}}""")]
    [TestCase("""{"operation":"remove","name":"a"}""", """{"remove":{"name":"a"}}""")]
    [TestCase("""{"type":"add","name":"a","value":"1"}""", """{"add":{"name":"a","value":"1"}}""")]
    [TestCase("""{"name":"a","value":null,"type":"set"}""", """{"set":{"name":"a","value":""}}""")]
    public void HeaderOperation_InAnyForm_IsUnderstood(string operation, string expected) => AssertAnswer(
        $$"""{"decision":"allow","request_headers":[{{operation}}],"response_headers":[{{operation}}]}""",
        $$"""{"decision":"allow","request_headers":[{{expected}}],"response_headers":[{{expected}}]}""");

    [TestCase("""{"audit":{}}""")]
    [TestCase("""{"audit":null}""")]
    [TestCase("""{"request_headers":null,"response_headers":null,"routing_metadata":null,"needs_more":null,"websocket_decision":null}""")]
    [TestCase("""{"audit":{"tags":null,"rule_ids":null,"confidence":null,"reason_codes":null,"custom":null}}""")]
    [TestCase("""{"request_id":5,"decision":"allow"}""")]
    [TestCase("""{"success":true}""")]
    [TestCase("""{"unknown":{"deep":[1,{"x":null}]},"decision":"allow"}""")]
    public void Answer_WithoutAnythingToSay_IsTheSharedAllow(string payload) =>
        Assert.That(Read(payload).Response, Is.SameAs(AgentResponse.Allow));

    [TestCase("\"allow\"", "\"allow\"")]
    [TestCase("\"drop\"", "\"drop\"")]
    [TestCase("\"close\"", """{"close":{"code":1008,"reason":""}}""")]
    [TestCase("""{"close":{"code":1000,"reason":"bye"}}""", """{"close":{"code":1000,"reason":"bye"}}""")]
    [TestCase("""{"close":[1008,"policy"]}""", """{"close":{"code":1008,"reason":"policy"}}""")]
    [TestCase("""{"drop":null}""", "\"drop\"")]
    [TestCase("""{"type":"close","code":1001,"reason":"x"}""", """{"close":{"code":1001,"reason":"x"}}""")]
    public void WebSocketDecision_InAnyForm_IsUnderstood(string decision, string expected) => AssertAnswer(
        $$"""{"websocket_decision":{{decision}}}""", $$"""{"websocket_decision":{{expected}}}""");

    [TestCase("""{"data":"bmV3","chunk_index":3}""", """{"data":"bmV3","chunk_index":3}""")]
    [TestCase("""{"data":null}""", """{"data":null,"chunk_index":0}""")]
    [TestCase("{}", """{"data":null,"chunk_index":0}""")]
    [TestCase("""{"data":""}""", """{"data":"","chunk_index":0}""")]
    [TestCase("""["bmV3",1]""", """{"data":"bmV3","chunk_index":1}""")]
    public void BodyMutation_InAnyForm_IsUnderstood(string mutation, string expected) => AssertAnswer(
        $$"""{"request_body_mutation":{{mutation}},"response_body_mutation":{{mutation}}}""",
        $$"""{"request_body_mutation":{{expected}},"response_body_mutation":{{expected}}}""");

    [Test]
    public void Failure_WithoutDecision_IsABlock() => AssertAnswer(
        """{"success":false,"error":"no such rule"}""",
        """{"decision":{"block":{"status":500,"body":"no such rule"}}}""");

    [TestCase("""{"decision":"allow","audit":{"custom":{"correlation_id":"a"}},"correlation_id":"b"}""", "a")]
    [TestCase("""{"correlation_id":"b","decision":"allow","audit":{"custom":{"correlation_id":"a"}}}""", "a")]
    [TestCase("""{"decision":"allow","correlation_id":"b"}""", "b")]
    [TestCase("""{"decision":"allow","audit":{"custom":{"correlation_id":7}},"correlation_id":"b"}""", "b")]
    [TestCase("""[2,"allow",[],[],{},[[],[],null,[],{"correlation_id":"a"}],false,null,null,null]""", "a")]
    [TestCase("""{"decision":"allow","request_id":5}""", "")]
    [TestCase("""{"decision":"allow","correlation_id":5}""", "")]
    public void CorrelationId_WhereverItIs_IsFound(string payload, string expected) =>
        Assert.That(Read(payload).CorrelationId.ToString(), Is.EqualTo(expected));

    [Test]
    public void CorrelationId_InAuditData_IsTakenOutOfIt()
    {
        var answer = Read("""{"audit":{"tags":["t"],"custom":{"correlation_id":"a","score":7}}}""");
        Assert.That(answer.Response.Audit.Custom.Keys, Is.EqualTo(new[] { "score" }));
    }

    [TestCase("""{"decision":"deny"}""", "deny")]
    [TestCase("""{"decision":"Allow"}""", "Allow")]
    [TestCase("""{"decision":{"deny":{}}}""", "decision")]
    [TestCase("""{"decision":{}}""", "decision")]
    [TestCase("""{"decision":{"type":"deny"}}""", "deny")]
    [TestCase("""{"decision":{"allow":{},"block":{"status":403}}}""", "both")]
    [TestCase("""{"decision":{"block":{"status":403}},"decision":"allow"}""", "more than one decision")]
    [TestCase("""{"decision":"allow","decision":{"block":{"status":403}}}""", "more than one decision")]
    [TestCase("""{"decision":"allow","type":"response","payload":{"decision":{"block":{"status":403}}}}""", "more than one decision")]
    [TestCase("""{"websocket_decision":"drop","websocket_decision":"allow"}""", "more than one websocket_decision")]
    [TestCase("""{"request_headers":[{"remove":"a"}],"request_headers":[]}""", "more than one request_headers")]
    [TestCase("""{"detected":true,"detected":false}""", "more than one detected")]
    [TestCase("""{"routing_metadata":{"guardrail_response":"{\"detected\":true,\"detected\":false}"}}""", "more than one detected")]
    [TestCase("""{"decision":{"allow":{"x":1}}}""", "allow has a member")]
    [TestCase("""{"decision":{"allow":{"block":{"status":403}}}}""", "allow has a member")]
    [TestCase("""{"decision":{"allow":[1]}}""", "allow has a member")]
    [TestCase("""{"decision":{"allow":false}}""", "a boolean")]
    [TestCase("""{"websocket_decision":{"close":{"code":1008},"allow":null}}""", "both")]
    [TestCase("""{"websocket_decision":{"type":"close","allow":{}}}""", "both")]
    [TestCase("""{"websocket_decision":{"allow":{"x":1}}}""", "allow has a member")]
    [TestCase("""{"decision":null}""", "null")]
    [TestCase("""{"decision":7}""", "a number")]
    [TestCase("""{"decision":["allow"]}""", "a list")]
    [TestCase("""{"request_headers":[{"replace":{"name":"a"}}]}""", "header operation")]
    [TestCase("""{"request_headers":[{"set":{"value":"a"}}]}""", "name")]
    [TestCase("""{"request_headers":[{"set":{"name":"a"},"remove":{"name":"a"}}]}""", "both")]
    [TestCase("""{"request_headers":{}}""", "request_headers")]
    [TestCase("""{"request_body_mutation":{"data":"no base64!"}}""", "base64")]
    [TestCase("""{"request_body_mutation":{"data":"YQ"}}""", "base64")]
    [TestCase("""{"websocket_decision":"maybe"}""", "maybe")]
    [TestCase("""{"needs_more":"yes"}""", "needs_more")]
    [TestCase("""{"type":"error","payload":{"decision":"allow"}}""", "error")]
    [TestCase("[2]", "at least 2")]
    [TestCase("\"allow\"", "an object")]
    [TestCase("null", "an object")]
    public void Answer_ThatIsNone_IsAProtocolErrorWithTheReason(string payload, string part) =>
        Assert.That(() => Read(payload), Throws.InstanceOf<ProtocolException>().With.Message.Contains(part));

    private void AssertAnswer(string payload, string expected)
    {
        var shape = JsonSerializer.SerializeToElement(ReferenceShape.Of(Read(payload)));
        Assert.That(JsonMatch.Missing(JsonElement.Parse(expected), shape), Is.Null);
    }

    private AgentAnswer Read(string payload) => _encoding.ReadResponse(Bytes.Of(_encoding, payload));
}
