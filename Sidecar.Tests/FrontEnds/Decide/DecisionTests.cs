using System.Text.Json.Nodes;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;
using Say = Sidecar.Protocol.Sdk.Answer;

namespace Sidecar.Tests.FrontEnds.Decide;

/// <summary>What the caller is told of what agents said: a complete reply, and header operations in an order that it can follow.</summary>
internal sealed class DecisionTests
{
    private static IEnumerable<TestCaseData> Decisions()
    {
        yield return new TestCaseData(Say.Block(418).WithBody("tea ☕").WithHeader("X-Pot", "t"), "block", 418, "tea ☕");
        yield return new TestCaseData(Say.Block(403), "block", 403, null);
        yield return new TestCaseData(Say.Redirect("https://login.example/", 307), "redirect", 307, null);
        yield return new TestCaseData(Say.Challenge("basic", ("realm", "shop")), "challenge", 401, null);
    }

    [TestCaseSource(nameof(Decisions))]
    public async Task Decision_ComesWithACompleteReply(AgentResponse said, string action, int status, string? body)
    {
        await using var agent = LambdaAgent.That("a", said.WithRule("r1").WithTag("t1"));
        await using var harness = await JsonHarness.StartAsync(agent);

        var answer = await harness.AskAsync(Questions.Request("t"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Action(), answer.Reply()), Is.EqualTo((action, status)));
            Assert.That((string?)answer["reply"]!["body"], body is null ? Is.Not.Empty : Is.EqualTo(body));
            Assert.That((string?)answer["reply"]!["body_encoding"], Is.EqualTo("utf8"));
            Assert.That(answer["reply"]!["headers"]!.AsArray(), Has.Some.Matches<JsonNode>(static pair => (string?)pair[0] == "cache-control"));
            Assert.That(answer["redirect"] is null, Is.EqualTo(action != "redirect"));
            Assert.That(answer["challenge"] is null, Is.EqualTo(action != "challenge"));
            Assert.That((bool)answer["degraded"]!, Is.False);
            Assert.That(answer["audit"]!.Text("rules"), Is.EqualTo("""["r1"]"""));
            Assert.That((string?)answer["audit_line"], Does.Contain("r1").And.Contain("t1"));
            Assert.That((int)answer["ttl_ms"]!, Is.Zero);
        }

        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|inspected|none=1" }), "nothing more can come");
    }

    [Test]
    public async Task Redirect_AndChallenge_SayHowTheyWereMeant()
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = static (message, _) => new(((RequestHeadersEvent)message).Uri == "/r" ? Say.Redirect("/x", 303) : Say.Challenge("captcha", ("site", "k"), ("status", "429"))),
        };
        await using var harness = await JsonHarness.StartAsync(agent);

        Assert.That((await harness.AskAsync(Questions.Request(path: "/r"))).Text("redirect"), Is.EqualTo("""{"url":"/x","status":303}"""));
        var challenge = (await harness.AskAsync(Questions.Request()))["challenge"]!;
        Assert.That(((string?)challenge["type"], (int)challenge["status"]!, challenge.Text("params")), Is.EqualTo(("captcha", 429, """{"site":"k","status":"429"}""")));
    }

    [Test]
    public async Task HeaderOperations_ComeAsRemovalsSettingsAdditions()
    {
        await using var agent = LambdaAgent.That("a", AgentResponse.Allow
            .WithRequestHeaders(
                HeaderOperation.Add("X-Add", "1"), HeaderOperation.Set("X-Set", "ä"), HeaderOperation.Add("x-set", "2"), HeaderOperation.Remove("X-Gone"),
                HeaderOperation.Add("x-late", "old"), HeaderOperation.Set("x-late", "new"), HeaderOperation.Remove("x-empty"), HeaderOperation.Set("x-empty", ""))
            .WithResponseHeaders(HeaderOperation.Set("x-frame-options", "DENY")));
        await using var harness = await JsonHarness.StartAsync(agent);

        var answer = await harness.AskAsync(Questions.Request());

        Assert.That(answer["request_headers"]!.AsArray().Select(static one => $"{one!["op"]} {one["name"]} {one["value"]}"), Is.EqualTo(new[]
        {
            "remove x-gone ", "set x-set ä", "set x-late new", "set x-empty ", "add x-add 1", "add x-set 2",
        }));
        Assert.That(answer.Text("response_headers"), Is.EqualTo("""[{"op":"set","name":"x-frame-options","value":"DENY"}]"""));
    }

    [Test]
    public async Task HeaderOperations_OfHeadersAndBodyAreOneList()
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = static (message, _) => new(message is RequestHeadersEvent
                ? AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Set("x-a", "1"), HeaderOperation.Add("x-b", "1"))
                : AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Add("x-a", "2"), HeaderOperation.Remove("x-b"))),
        };
        await using var harness = await JsonHarness.StartAsync(agent);

        var answer = await harness.AskAsync(Questions.Request(body: Questions.Body("b")));

        Assert.That(answer["request_headers"]!.AsArray().Select(static one => $"{one!["op"]} {one["name"]} {one["value"]}"),
            Is.EqualTo(new[] { "remove x-b ", "set x-a 1", "add x-a 2" }));
    }
}
