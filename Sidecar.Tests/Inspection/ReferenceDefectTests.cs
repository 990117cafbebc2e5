using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>Defects of the reference's logic around agents (spec §10), by their numbers.</summary>
public sealed class ReferenceDefectTests
{
    [Test]
    public async Task Defect47_FramesAndCompletes_AreAskedAndNoFailures()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        for (var i = 0UL; i < 10; i++)
        {
            Assert.That(await harness.Client.AskAsync(Events.Frame("x", "text", index: i)), Is.SameAs(AgentResponse.Allow));
        }

        await harness.Client.AskAsync(Events.Complete("x"));
        await agent.SeenAsync(12);
        Assert.That(
            agent.Seen.OfType<WebSocketFrameEvent>().Select(static frame => frame.FrameIndex),
            Is.EqualTo(Enumerable.Range(0, 10).Select(static i => (ulong)i)));
        Assert.That(agent.Seen[11], Is.TypeOf<RequestCompleteEvent>());
        Assert.That(harness.Sums.Of("agent.calls"), Has.None.Contains("TimedOut").And.None.Contains("BadAnswer"));
        Assert.That(harness.ConnectionsOf("a").Single().TakesNew, Is.True);
    }

    [Test]
    public async Task Defect48_Frames_GoToTheRoutesAgentsOnly()
    {
        await using var mine = new LambdaAgent("mine");
        await using var other = new LambdaAgent("other");
        var options = new HarnessOptions
        {
            Routes = on =>
            [
                new RouteModel { Id = "chat", Match = new RouteMatch { PathPrefix = "/chat" }, Stages = [[on("mine")]] },
                new RouteModel { Id = "rest", Stages = [[on("other")]] },
            ],
        };
        await using var harness = await InspectionHarness.StartAsync(options, mine, other);
        await harness.Client.AskAsync(Events.Request("x", "/chat"));
        await harness.Client.AskAsync(Events.Frame("x", "text"));
        await harness.Client.AskAsync(Events.Frame("x", "text", fromClient: false));
        Assert.That((mine.Seen.Count, other.Seen.Count), Is.EqualTo((3, 0)));
    }

    private static IEnumerable<TestCaseData> Decisions() =>
    [
        new TestCaseData(new BlockDecision(451, "no", new Dictionary<string, string>(StringComparer.Ordinal) { ["x-why"] = "law" })),
        new TestCaseData(new RedirectDecision("/login", 303)),
        new TestCaseData(new ChallengeDecision("captcha", new Dictionary<string, string>(StringComparer.Ordinal) { ["key"] = "1" })),
    ];

    [TestCaseSource(nameof(Decisions))]
    public async Task Defect49_EveryDecision_IsHonouredInBothPhases(object decision)
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = (message, _) => new(message is ResponseHeadersEvent || message is RequestHeadersEvent { Uri: "/no" }
                ? new AgentResponse { Decision = (Decision)decision }
                : AgentResponse.Allow),
        };
        await using var harness = await InspectionHarness.StartAsync(agent);
        Assert.That((await harness.Client.AskAsync(Events.Request("x", "/no"))).Decision.ToString(), Is.EqualTo(decision.ToString()));
        Assert.That(await harness.Client.AskAsync(Events.Request("y")), Is.SameAs(AgentResponse.Allow));
        Assert.That((await harness.Client.AskAsync(Events.Response("y"))).Decision.ToString(), Is.EqualTo(decision.ToString()));
    }

    [Test]
    public async Task Defect51_BlockOfTheLastPiece_CountsWhateverElseTheAgentSays()
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = static (message, _) => new(message is RequestBodyChunkEvent piece
                ? new AgentResponse { Decision = piece.IsLast ? new BlockDecision() : Decision.Allow, NeedsMore = true }
                : AgentResponse.Allow),
        };
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        Assert.That((await harness.Client.AskAsync(Events.RequestBody("x", "a"))).Decision, Is.InstanceOf<AllowDecision>());
        Assert.That((await harness.Client.AskAsync(Events.RequestBody("x", "b", last: true, index: 1))).Decision, Is.EqualTo(new BlockDecision()));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Defect54_FailureMode_IsTheRoutesForEveryEvent(bool open)
    {
        // What the agent itself is configured to is the opposite.
        await using var agent = new LambdaAgent("a") { Policy = LambdaAgent.PolicyOf(open ? FailureMode.Closed : FailureMode.Open) };
        var options = new HarnessOptions
        {
            Routes = on =>
            [
                new RouteModel { Id = "all", Stages = [[on("a") with { Policy = LambdaAgent.PolicyOf(open ? FailureMode.Open : FailureMode.Closed) }]] },
            ],
        };
        await using var harness = await InspectionHarness.StartAsync(options, agent);
        AgentEvent[] events = [Events.RequestBody("x", "a", last: true), Events.Response("x"), Events.ResponseBody("x", "a", last: true)];
        await harness.Client.AskAsync(Events.Request("x"));
        harness.Crash("a");
        foreach (var message in events)
        {
            Assert.That((await harness.Client.AskAsync(message)).Decision, Is.EqualTo(open ? Decision.Allow : new BlockDecision(503)), message.Type.ToString());
        }

        var frame = await harness.Client.AskAsync(Events.Frame("x", "text"));
        Assert.That(frame.WebSocketDecision?.Kind ?? WebSocketDecisionKind.Allow, Is.EqualTo(open ? WebSocketDecisionKind.Allow : WebSocketDecisionKind.Close));
    }

    private static IEnumerable<TestCaseData> Refusals() =>
    [
        new TestCaseData(new BlockDecision()), new TestCaseData(new RedirectDecision("/", 302)),
        new TestCaseData(new ChallengeDecision("captcha", new Dictionary<string, string>(StringComparer.Ordinal))),
    ];

    [TestCaseSource(nameof(Refusals))]
    public async Task Defect56_GuardrailThatDoesNotAllow_HasFoundSomething(object decision)
    {
        await using var agent = LambdaAgent.That("a", new AgentResponse { Decision = (Decision)decision });
        await using var harness = await InspectionHarness.StartAsync(agent);
        Assert.That((await harness.Client.AskAsync(Events.Guardrail("x", "text"))).Guardrail!.Detected, Is.True);
    }

    // Spec §5.5: a frame's decision may stand in either place, and one that is not there forwards.
    [TestCase(null, false, (int)WebSocketDecisionKind.Allow)]
    [TestCase(null, true, (int)WebSocketDecisionKind.Close)]
    [TestCase((int)WebSocketDecisionKind.Drop, false, (int)WebSocketDecisionKind.Drop)]
    [TestCase((int)WebSocketDecisionKind.Allow, true, (int)WebSocketDecisionKind.Allow)]
    public async Task FrameDecision_IsFoundWhereverItStands(int? said, bool blocks, int expected)
    {
        var own = said is null ? null : (WebSocketDecisionKind)said == WebSocketDecisionKind.Drop ? WebSocketDecision.Drop : WebSocketDecision.Allow;
        await using var agent = new LambdaAgent("a")
        {
            Answers = (message, _) => new(message is WebSocketFrameEvent
                ? new AgentResponse { Decision = blocks ? new BlockDecision() : Decision.Allow, WebSocketDecision = own }
                : AgentResponse.Allow),
        };
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        var answer = await harness.Client.AskAsync(Events.Frame("x", "text"));
        var decision = answer.WebSocketDecision ?? WebSocketDecision.Allow;
        Assert.That(decision.Kind, Is.EqualTo((WebSocketDecisionKind)expected));
        if (decision.Kind == WebSocketDecisionKind.Close)
        {
            Assert.That(decision.Code, Is.EqualTo(1008));
        }
    }
}
