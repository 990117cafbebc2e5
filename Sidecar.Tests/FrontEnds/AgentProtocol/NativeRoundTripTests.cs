using System.Text.Json;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AgentProtocol;

/// <summary>Every event goes through the daemon to an agent, and what the agent says comes back.</summary>
public sealed class NativeRoundTripTests
{
    private static readonly AgentResponse Everything = AgentResponse.Allow
        .WithRequestHeaders(HeaderOperation.Set("x-a", "1"), HeaderOperation.Add("x-b", "2"), HeaderOperation.Remove("x-c"))
        .WithResponseHeaders(HeaderOperation.Set("x-d", "4"))
        .WithTag("tag").WithRule("rule").WithReason("reason").WithConfidence(0.5f);

    private static IEnumerable<TestCaseData> Kinds()
    {
        yield return new TestCaseData(Events.Request("x", "/p?q=1", method: "POST"));
        yield return new TestCaseData(Events.RequestBody("x", "abc", last: true, index: 0));
        yield return new TestCaseData(Events.Response("x", 404));
        yield return new TestCaseData(Events.ResponseBody("x", "abc", last: false, index: 0));
        yield return new TestCaseData(Events.Frame("x", "hello", fromClient: true));
        yield return new TestCaseData(Events.Frame("x", "hello", fromClient: false, index: 9));
        yield return new TestCaseData(Events.Guardrail("x", "text"));
        yield return new TestCaseData(Events.Guardrail("x", "text", GuardrailInspectionType.PiiDetection));
    }

    [Test]
    public async Task OurNamesFromAClient_AreNotOnlyHiddenFromAgentsButTakenAway()
    {
        await using var agent = LambdaAgent.That("a", AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Set("x-user", "alice")));
        await using var harness = await InspectionHarness.StartAsync(agent);
        var request = Events.Request("x");
        request.Headers.Add("X-Sidecar-Note", "${jndi:x}");
        request.Headers.Add("x_sidecar_id", "forged");

        var answer = await harness.Client.AskAsync(request);

        Assert.That(agent.Seen.OfType<RequestHeadersEvent>().Single().Headers.Get("x-sidecar-note"), Is.Null);
        Assert.That(answer.RequestHeaders, Is.EqualTo(new[] { HeaderOperation.Remove("x-sidecar-note"), HeaderOperation.Remove("x_sidecar_id"), HeaderOperation.Set("x-user", "alice") }));
    }

    [Test]
    public async Task ConfigurationFromTheProxy_IsAcceptedAndNamedOnce()
    {
        await using var agent = LambdaAgent.That("a", AgentResponse.Allow);
        await using var harness = await InspectionHarness.StartAsync(agent);
        var configure = new ConfigureEvent { CorrelationId = CorrelationId.Parse("zentinel-configure-a-0"), Config = JsonElement.Parse("""{"paranoia-level":2,"x\n":null}""") };
        for (var i = 0; i < 3; i++)
        {
            Assert.That((await harness.Client.AskAsync(configure)).Decision, Is.EqualTo(Decision.Allow), "the proxy would ask nothing at all");
        }

        Assert.That((await harness.Client.AskAsync(configure with { Config = null })).Decision, Is.EqualTo(Decision.Allow));
        var line = harness.Logs.Collector.GetSnapshot().Single(static entry => entry.Message.Contains("configuration")).Message;
        Assert.That(line, Does.Contain("'paranoia-level', 'x\\u000a'").And.Contain("config-file="));
        Assert.That(agent.Seen.OfType<ConfigureEvent>(), Is.Empty);
    }

    [TestCaseSource(nameof(Kinds))]
    public async Task Event_ReachesTheAgentAndItsAnswerComesBack(AgentEvent message)
    {
        await using var agent = new LambdaAgent("a") { Answers = (asked, _) => new(asked.Type == message.Type ? Everything : AgentResponse.Allow) };
        await using var harness = await InspectionHarness.StartAsync(agent);
        if (message is not RequestHeadersEvent)
        {
            await harness.Client.AskAsync(Events.Request("x"));
        }

        var answer = await harness.Client.AskAsync(message);

        Assert.That(answer.Decision, Is.EqualTo(Decision.Allow));
        Assert.That(answer.RequestHeaders, Is.EquivalentTo(Everything.RequestHeaders));
        Assert.That(answer.ResponseHeaders, Is.EqualTo(Everything.ResponseHeaders));
        Assert.That(answer.Audit.Tags, Is.EqualTo(new[] { "tag" }));
        Assert.That(answer.Audit.RuleIds, Is.EqualTo(new[] { "rule" }));
        Assert.That(answer.Audit.ReasonCodes, Is.EqualTo(new[] { "reason", "a:allow" }));
        Assert.That(answer.Audit.Confidence, Is.EqualTo(0.5f));
        var seen = agent.Seen.Single(seen => seen.Type == message.Type);
        Assert.That(seen.CorrelationId.ToString(), Has.Length.EqualTo(32).And.Not.EqualTo("x"), "the exchange's own id");
        Assert.That(Core(seen), Is.EqualTo(Core(message)));
    }

    [TestCase(EventKind.RequestHeaders)]
    [TestCase(EventKind.RequestBodyChunk)]
    [TestCase(EventKind.ResponseHeaders)]
    [TestCase(EventKind.ResponseBodyChunk)]
    [TestCase(EventKind.WebSocketFrame)]
    [TestCase(EventKind.GuardrailInspect)]
    public async Task Decision_OfEveryKindComesBack(EventKind kind)
    {
        AgentResponse[] answers =
        [
            Answer.Block(451).WithBody("no").WithHeader("x-why", "law"), Answer.Redirect("https://example.org/", 307), Answer.Challenge("captcha", ("site", "k")),
        ];
        foreach (var expected in answers)
        {
            await using var agent = new LambdaAgent("a") { Answers = (asked, _) => new(EventKinds.Of(asked.Type) == kind ? expected : AgentResponse.Allow) };
            await using var harness = await InspectionHarness.StartAsync(agent);
            var answer = await harness.Client.AskAsync(Events.Request("x"));
            if (kind != EventKind.RequestHeaders)
            {
                answer = await harness.Client.AskAsync(Of(kind));
            }

            Assert.That(answer.Decision.GetType(), Is.EqualTo(expected.Decision.GetType()));
            switch (answer.Decision)
            {
                case BlockDecision block:
                    Assert.That((block.Status, block.Body, block.Headers!["x-why"]), Is.EqualTo(((ushort)451, "no", "law")));
                    break;
                case ChallengeDecision challenge:
                    Assert.That((challenge.ChallengeType, challenge.Parameters["site"]), Is.EqualTo(("captcha", "k")));
                    break;
                default:
                    Assert.That(answer.Decision, Is.EqualTo(expected.Decision));
                    break;
            }

            if (kind == EventKind.GuardrailInspect)
            {
                Assert.That(answer.Guardrail!.Detected, Is.True, "a refusal is a finding (spec §5.5)");
            }
            else if (kind == EventKind.WebSocketFrame)
            {
                Assert.That(answer.WebSocketDecision, Is.EqualTo(WebSocketDecision.Close(1008, "policy")));
            }
        }
    }

    [Test]
    public async Task Mutations_ComeBackInTheirDirection()
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = (message, _) => new(message switch
            {
                RequestBodyChunkEvent body => AgentResponse.Allow.WithRequestBody("REQ"u8.ToArray(), body.ChunkIndex),
                ResponseBodyChunkEvent body => AgentResponse.Allow.WithResponseBody(ReadOnlyMemory<byte>.Empty, body.ChunkIndex),
                _ => AgentResponse.Allow,
            }),
        };
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        var request = await harness.Client.AskAsync(Events.RequestBody("x", "req", index: 2));
        var response = await harness.Client.AskAsync(Events.ResponseBody("x", "resp", index: 1));

        Assert.That((Events.Text(request.RequestBodyMutation!.Data!.Value), request.RequestBodyMutation.ChunkIndex), Is.EqualTo(("REQ", 2u)));
        Assert.That(request.ResponseBodyMutation, Is.Null);
        Assert.That((response.ResponseBodyMutation!.Data!.Value.Length, response.ResponseBodyMutation.ChunkIndex), Is.EqualTo((0, 1u)));
        Assert.That(response.RequestBodyMutation, Is.Null);
    }

    [Test]
    public async Task NeedsMore_MakesABlockProvisionalUntilTheLastPiece()
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = (message, _) => new(message is RequestBodyChunkEvent ? Answer.Block(403).NeedingMore() : AgentResponse.Allow),
        };
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        var first = await harness.Client.AskAsync(Events.RequestBody("x", "1"));
        var last = await harness.Client.AskAsync(Events.RequestBody("x", "2", last: true, index: 1));

        Assert.That((first.NeedsMore, first.Decision), Is.EqualTo((true, (Decision)Decision.Allow)));
        Assert.That((last.NeedsMore, last.Decision), Is.EqualTo((false, (Decision)new BlockDecision(403))));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task WebSocketDecisions_ComeBack(bool fromClient)
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = (message, _) => new(message is not WebSocketFrameEvent frame ? AgentResponse.Allow : Events.Text(frame.Data) switch
            {
                "drop" => Answer.WebSocket(WebSocketDecision.Drop),
                "close" => Answer.WebSocket(WebSocketDecision.Close(4001, "bad words")),
                _ => AgentResponse.Allow,
            }),
        };
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        Assert.That((await harness.Client.AskAsync(Events.Frame("x", "fine", fromClient))).WebSocketDecision, Is.Null);
        Assert.That((await harness.Client.AskAsync(Events.Frame("x", "drop", fromClient))).WebSocketDecision, Is.EqualTo(WebSocketDecision.Drop));
        Assert.That((await harness.Client.AskAsync(Events.Frame("x", "close", fromClient))).WebSocketDecision, Is.EqualTo(WebSocketDecision.Close(4001, "bad words")));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task GuardrailFindings_ArriveUnchanged(bool inAnExchange)
    {
        var found = new GuardrailResponse
        {
            Detected = true,
            Confidence = 0.75,
            RedactedContent = "my number is ***",
            Detections = [
                new GuardrailDetection { Category = "ssn", Description = "a number", Severity = GuardrailSeverity.Critical, Confidence = 0.9,
                    Span = new TextSpan(13, 16) }],
        };
        await using var agent =
            new LambdaAgent("a") { Answers = (message, _) => new(message is GuardrailInspectEvent ? Answer.Guardrail(found) : AgentResponse.Allow) };
        await using var harness = await InspectionHarness.StartAsync(agent);
        if (inAnExchange)
        {
            await harness.Client.AskAsync(Events.Request("x"));
        }

        var answer = await harness.Client.AskAsync(Events.Guardrail("x", "my number is 123", GuardrailInspectionType.PiiDetection));

        var guardrail = answer.Guardrail!;
        Assert.That(guardrail with { Detections = [] }, Is.EqualTo(found with { Detections = [] }));
        Assert.That(guardrail.Detections, Is.EqualTo(found.Detections));
        if (!inAnExchange)
        {
            Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|inspected|none=1" }), "it was an exchange of its own");
            Assert.That(agent.Seen.Select(static seen => seen.Type), Is.EqualTo(new[] { MessageType.GuardrailInspect }), "no end without a beginning");
        }
    }

    [Test]
    public async Task RequestComplete_EndsTheExchangeAndReachesTheAgentThatSawIt()
    {
        await using var seeing = new LambdaAgent("seeing");
        await using var deaf = new LambdaAgent("deaf") { Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Events = EventSet.RequestHeaders } };
        await using var harness = await InspectionHarness.StartAsync(seeing, deaf);
        await harness.Client.AskAsync(Events.Request("x"));
        Assert.That(await harness.Client.AskAsync(Events.Complete("x", 201)), Is.SameAs(AgentResponse.Allow));
        await seeing.SeenAsync(2);

        Assert.That(seeing.Seen[1], Is.TypeOf<RequestCompleteEvent>().With.Property(nameof(RequestCompleteEvent.Status)).EqualTo(201));
        Assert.That(seeing.Seen[1].CorrelationId, Is.EqualTo(seeing.Seen[0].CorrelationId));
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|inspected|none=1" }));
        Assert.That(harness.Sums.Sum("exchanges.open"), Is.Zero);
        Assert.That(deaf.Seen, Has.Count.EqualTo(1));
        var late = await harness.Client.AskAsync(Events.Response("x"));
        Assert.That(late.Audit.ReasonCodes, Is.EqualTo(new[] { "exchange-unknown" }));
    }

    [TestCase("")]
    [TestCase(257)]
    public async Task IdThatIsNone_IsRefused(object id)
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await InspectionHarness.StartAsync(agent);
        if (id is int length)
        {
            var answer = await harness.Client.AskAsync(Events.Request(new string('i', length)));
            Assert.That((answer.Decision, answer.Audit.ReasonCodes.Single()), Is.EqualTo(((Decision)new BlockDecision(503), "malformed")));
        }
        else
        {
            // An answer cannot find an empty id, so only the account shows what became of it.
            _ = harness.Client.CallAsync(Events.Request(""));
            await Eventually.TrueAsync(() => harness.Sums.Sum("exchanges") == 1, TimeSpan.FromSeconds(30), "the refused exchange");
        }

        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|refused|malformed=1" }));
        Assert.That(agent.Seen, Is.Empty);
    }

    private static AgentEvent Of(EventKind kind) => kind switch
    {
        EventKind.RequestBodyChunk => Events.RequestBody("x", "b"),
        EventKind.ResponseHeaders => Events.Response("x"),
        EventKind.ResponseBodyChunk => Events.ResponseBody("x", "b"),
        EventKind.WebSocketFrame => Events.Frame("x", "f"),
        _ => Events.Guardrail("x", "g"),
    };

    // What must arrive of an event, whichever its kind.
    private static string Core(AgentEvent message) => message switch
    {
        RequestHeadersEvent e => $"{e.Method} {e.Uri} {e.Headers.Get("host")}",
        BodyChunkEvent e => $"{Events.Text(e.Data)} {e.IsLast} {e.ChunkIndex}",
        ResponseHeadersEvent e => $"{e.Status}",
        WebSocketFrameEvent e => $"{e.Opcode} {Events.Text(e.Data)} {e.ClientToServer} {e.FrameIndex} {e.Fin}",
        GuardrailInspectEvent e => $"{e.InspectionType} {e.Content}",
        _ => message.ToString(),
    };
}
