using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Verdicts;

/// <summary>What several agents say becomes one answer.</summary>
public sealed class MergeTests
{
    [TestCase(false)]
    [TestCase(true)]
    public async Task EditsAndAudits_ApplyInRouteOrderWhoeverAnswersFirst(bool secondFirst)
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        async ValueTask<AgentResponse> Answer(bool waits, AgentResponse answer)
        {
            await (waits ? turn.Task : Task.CompletedTask);
            return answer;
        }

        await using var one = new LambdaAgent("one")
        {
            Answers = (_, _) =>
                Answer(secondFirst, AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Set("x-a", "1"), HeaderOperation.Add("x-b", "1")).WithTag("t1")),
        };
        await using var two = new LambdaAgent("two")
        {
            Answers = (_, _) =>
                Answer(!secondFirst, AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Set("x-a", "2"), HeaderOperation.Add("x-b", "2")).WithTag("t2")),
        };
        await using var harness = await InspectionHarness.StartAsync(one, two);
        var asking = harness.Client.AskAsync(Events.Request("x"));
        await Eventually.TrueAsync(
            () => harness.Sums.Of("agent.calls").Contains($"{(secondFirst ? "two" : "one")}|request_headers|Answered=1"), TimeSpan.FromSeconds(30), "the first answer");
        turn.SetResult();
        var answer = await asking;

        Assert.That(answer.RequestHeaders, Is.EqualTo(new[] { HeaderOperation.Set("x-a", "2"), HeaderOperation.Add("x-b", "1"), HeaderOperation.Add("x-b", "2") }));
        Assert.That(answer.Audit.Tags, Is.EqualTo(new[] { "t1", "t2" }));
        Assert.That(answer.Audit.ReasonCodes, Is.EqualTo(new[] { "one:allow", "two:allow" }));
    }

    [Test]
    public async Task BodyPiece_GoesFromAgentToAgentAsTheOneBeforeLeftIt()
    {
        static ValueTask<AgentResponse> Upper(AgentEvent message) => new(message is RequestBodyChunkEvent body
            ? AgentResponse.Allow.WithRequestBody(System.Text.Encoding.UTF8.GetBytes(Events.Text(body.Data).ToUpperInvariant()), body.ChunkIndex)
            : AgentResponse.Allow);
        await using var one = new LambdaAgent("one") { Answers = static (message, _) => Upper(message) };
        await using var two = new LambdaAgent("two")
        {
            // Says explicitly that it leaves the piece as it is.
            Answers = static (message, _) =>
                new(message is RequestBodyChunkEvent ? AgentResponse.Allow with { RequestBodyMutation = new BodyMutation(null) } : AgentResponse.Allow),
        };
        await using var harness = await InspectionHarness.StartAsync(one, two);
        await harness.Client.AskAsync(Events.Request("x"));
        var answer = await harness.Client.AskAsync(Events.RequestBody("x", "secret"));

        Assert.That(Events.Text(two.Seen.OfType<RequestBodyChunkEvent>().Single().Data), Is.EqualTo("SECRET"));
        Assert.That(Events.Text(answer.RequestBodyMutation!.Data!.Value), Is.EqualTo("SECRET"), "no data passes what the agent was shown");
    }

    [Test]
    public async Task BlockOfABodyPiece_IsNotShownToTheNextAgent()
    {
        await using var one =
            new LambdaAgent("one") { Answers = static (message, _) => new(message is RequestBodyChunkEvent ? Answer.Block(403) : AgentResponse.Allow) };
        await using var two = new LambdaAgent("two");
        await using var harness = await InspectionHarness.StartAsync(one, two);
        await harness.Client.AskAsync(Events.Request("x"));
        var answer = await harness.Client.AskAsync(Events.RequestBody("x", "bad"));
        Assert.That(answer.Decision, Is.EqualTo(new BlockDecision(403)));
        Assert.That(two.Seen.OfType<RequestBodyChunkEvent>(), Is.Empty);
    }

    [Test]
    public async Task DropOfAFrame_WinsOverAnEarlierAllowWithRemarks()
    {
        await using var one = LambdaAgent.That("one", AgentResponse.Allow.WithTag("fine"));
        await using var two = new LambdaAgent("two")
        {
            Answers = static (message, _) => new(message is WebSocketFrameEvent ? Answer.WebSocket(WebSocketDecision.Drop) : AgentResponse.Allow),
        };
        await using var harness = await InspectionHarness.StartAsync(one, two);
        await harness.Client.AskAsync(Events.Request("x"));
        Assert.That((await harness.Client.AskAsync(Events.Frame("x", "f"))).WebSocketDecision, Is.EqualTo(WebSocketDecision.Drop));
    }

    [Test]
    public async Task StrayWebSocketDecision_DoesNotSilenceOtherAgents()
    {
        await using var one = LambdaAgent.That("one", Answer.WebSocket(WebSocketDecision.Drop));
        await using var two = new LambdaAgent("two");
        two.Answers = async (message, _) =>
        {
            await one.SeenAsync(1);
            return message is RequestHeadersEvent ? Answer.Block(403) : AgentResponse.Allow;
        };
        await using var harness = await InspectionHarness.StartAsync(one, two);
        Assert.That((await harness.Client.AskAsync(Events.Request("x"))).Decision, Is.EqualTo(new BlockDecision(403)));
    }

    [Test]
    public async Task Guardrails_AddUpTheirFindings()
    {
        static AgentResponse Found(string category, double confidence) => Answer.Guardrail(
            new GuardrailResponse { Detected = true, Confidence = confidence, Detections = [new GuardrailDetection { Category = category }] });
        await using var one = LambdaAgent.That("one", Found("a", 0.2));
        await using var two = LambdaAgent.That("two", Found("b", 0.9));
        await using var harness = await InspectionHarness.StartAsync(one, two);
        var guardrail = (await harness.Client.AskAsync(Events.Guardrail("x", "text"))).Guardrail!;
        Assert.That((guardrail.Detected, guardrail.Confidence), Is.EqualTo((true, 0.9)));
        Assert.That(guardrail.Detections.Select(static one => one.Category), Is.EqualTo(new[] { "a", "b" }));
    }

    [Test]
    public async Task AgentThatWantsOnlyBodies_IsToldTheHeadersAndNotObeyed()
    {
        await using var agent = new LambdaAgent("a")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Events = EventSet.RequestBodyChunk },
            Answers = static (_, _) => new(Answer.Block(403)),
        };
        await using var harness = await InspectionHarness.StartAsync(agent);
        var headers = await harness.Client.AskAsync(Events.Request("x"));
        var body = await harness.Client.AskAsync(Events.RequestBody("x", "b", last: true));
        await harness.Client.AskAsync(Events.Response("x"));

        Assert.That(headers, Is.SameAs(AgentResponse.Allow));
        Assert.That(body.Decision, Is.EqualTo(new BlockDecision(403)));
        Assert.That(agent.Seen.Select(static seen => seen.Type), Is.EqualTo(new[] { MessageType.RequestHeaders, MessageType.RequestBodyChunk }));
    }

    [Test]
    public async Task AgentThatWasOnlyToldTheHeaders_HasInspectedNothing()
    {
        await using var agent = new LambdaAgent("a") { Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Events = EventSet.ResponseBodyChunk } };
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        await harness.Client.AskAsync(Events.Complete("x"));
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|not-subject|none=1" }));
    }

    [Test]
    public async Task Routes_ChooseAgentsByHostPathAndMethod()
    {
        await using var api = LambdaAgent.That("api", Answer.Block(401));
        await using var shop = LambdaAgent.That("shop", Answer.Block(402));
        await using var posts = LambdaAgent.That("posts", Answer.Block(409));
        var options = new HarnessOptions
        {
            Routes = on =>
            [
                new RouteModel { Id = "api", Match = new RouteMatch { PathPrefix = "/api" }, Stages = [[on("api")]] },
                new RouteModel { Id = "shop", Match = new RouteMatch { Hosts = ["*.shop.org"] }, Stages = [[on("shop")]] },
                new RouteModel { Id = "posts", Match = new RouteMatch { Methods = ["POST"] }, Stages = [[on("posts")]] },
            ],
            Unmatched = static _ => null,
        };
        await using var harness = await InspectionHarness.StartAsync(options, api, shop, posts);
        async Task<int> Ask(string id, string uri, string host = "example.org", string method = "GET") =>
            (await harness.Client.AskAsync(Events.Request(id, uri, host, method))).Decision is BlockDecision block ? block.Status : 200;

        Assert.That(await Ask("1", "/api/x?y"), Is.EqualTo(401));
        Assert.That(await Ask("2", "/apix"), Is.EqualTo(200));
        Assert.That(await Ask("3", "/", "www.shop.org:8443"), Is.EqualTo(402));
        Assert.That(await Ask("4", "/", method: "POST"), Is.EqualTo(409));
        Assert.That(await Ask("5", "/public/../api"), Is.EqualTo(401));
        Assert.That(await Ask("6", "/api/..%2fx", "www.shop.org"), Is.EqualTo(401).Or.EqualTo(402), "both routes' agents were asked");
        Assert.That(api.Seen.OfType<RequestHeadersEvent>().Any(static seen => seen.Uri == "/api/..%2fx"), Is.True);
        Assert.That(harness.Sums.Of("exchanges.received"), Is.EqualTo(new[] { "native:native.sock=6" }));
    }
}
