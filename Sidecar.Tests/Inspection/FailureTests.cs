using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>What becomes of an exchange when an agent cannot be heard, and how it is accounted (rules 1, 3, 5, 6).</summary>
public sealed class FailureTests
{
    private static readonly string[] Causes =
        ["agent-absent", "timeout", "agent-crash", "overload", "agent-error", "bad-answer"];

    private static IEnumerable<TestCaseData> Cases() =>
        from open in new[] { false, true } from cause in Causes select new TestCaseData(open, cause);

    [TestCaseSource(nameof(Cases))]
    public async Task Failure_FollowsItsModeAndIsAccountedOnce(bool open, string cause)
    {
        InspectionHarness? harness = null;
        await using var agent = new LambdaAgent("a")
        {
            IsAbsent = cause == "agent-absent",
            MaxConcurrency = 1,
            Policy = LambdaAgent.PolicyOf(open ? FailureMode.Open : FailureMode.Closed, cause == "timeout" ? TimeSpan.FromMilliseconds(100) : null),
            Answers = async (message, token) =>
            {
                if (message is not RequestHeadersEvent headers)
                {
                    return AgentResponse.Allow;
                }

                if (headers.Uri == "/holds-the-slot" || cause == "timeout")
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
                }

                if (cause == "agent-crash")
                {
                    harness!.Crash("a");
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
                }

                return cause == "agent-error" ? throw new InvalidOperationException("broken") : AgentResponse.Allow.WithRequestHeaders(
                    HeaderOperation.Set("x-good", "1"), HeaderOperation.Set("x-bad", "a\r\nb"));
            },
        };
        await using var running = harness = await InspectionHarness.StartAsync(agent);
        if (cause == "overload")
        {
            _ = harness.Client.CallAsync(Events.Request("other", "/holds-the-slot"));
            await agent.SeenAsync(1);
        }

        var answer = await harness.Client.AskAsync(Events.Request("x"));
        await harness.Client.AskAsync(Events.Complete("x"));

        Assert.That(answer.Decision, Is.EqualTo(open ? Decision.Allow : new BlockDecision(cause == "timeout" ? (ushort)504 : (ushort)503)));
        Assert.That(answer.RequestHeaders, Is.Empty, "a bad answer is applied not even in part");
        Assert.That(answer.Audit.ReasonCodes, Is.EqualTo(new[] { "a:" + cause }));
        var state = open ? "bypassed" : "refused";
        Assert.That(harness.Sums.Of("exchanges"), Is.EqualTo(new[] { $"native:native.sock|all|{state}|{cause}=1" }));
        Assert.That(harness.Sums.Of("agent.exchanges"), Is.EqualTo(new[] { $"a|request|{state}|{cause}=1" }));
        Assert.That(harness.Sums.Sum("exchanges.open"), Is.EqualTo(cause == "overload" ? 1 : 0));
        if (cause == "bad-answer")
        {
            Assert.That(harness.Logs.Collector.GetSnapshot().Where(static entry => entry.Id.Name == "BadAnswer").Select(static entry => entry.Message),
                Has.One.Contains("request_headers[1]").And.Contains("U+000D"));
        }
    }

    [TestCase("connection", "keep-alive")]
    [TestCase("Transfer-Encoding", "chunked")]
    [TestCase(":path", "/")]
    public async Task AnswerWithAForbiddenHeader_IsTheAgentsFailure(string name, string value)
    {
        await using var agent = LambdaAgent.That("a", AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Set(name, value)));
        await using var harness = await InspectionHarness.StartAsync(agent);
        var answer = await harness.Client.AskAsync(Events.Request("x"));
        Assert.That(answer.Decision, Is.EqualTo(new BlockDecision(503)));
        Assert.That(answer.RequestHeaders, Is.Empty);
    }

    private static IEnumerable<TestCaseData> UnfitAnswers() =>
    [
        new TestCaseData(AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Set("host", "evil"))).SetArgDisplayNames("request header"),
        new TestCaseData(AgentResponse.Allow.WithResponseHeaders(HeaderOperation.Add("x", "a\nb"))).SetArgDisplayNames("response header"),
        new TestCaseData(AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Remove(":path"))).SetArgDisplayNames("pseudo header"),
    ];

    // Rule 5: who answers what may not be applied is as useless as who answers nonsense, and costs as much.
    [TestCaseSource(nameof(UnfitAnswers))]
    public async Task AnswersThatMayNotBeApplied_AreFailuresForHealthAndBreakerToo(object unfit)
    {
        var breaker = BreakerSettings.Off with { Consecutive = 3, OpenFor = TimeSpan.FromHours(1) };
        await using var agent = LambdaAgent.That("a", (AgentResponse)unfit);
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Breaker = breaker }, agent);
        var pooled = harness.ConnectionsOf("a").Single();
        for (var i = 1; i <= 3; i++)
        {
            Assert.That((pooled.IsEjected, pooled.Errors), Is.EqualTo((false, i - 1)));
            var answer = await harness.Client.AskAsync(Events.Request($"x{i}"));
            Assert.That(answer.Audit.ReasonCodes, Is.EqualTo(new[] { "a:bad-answer" }));
        }

        Assert.That(harness.StateOf("a").Current.Admission.Breaker.State, Is.EqualTo(BreakerState.Open));
        Assert.That((await harness.Client.AskAsync(Events.Request("x4"))).Audit.ReasonCodes, Is.EqualTo(new[] { "a:breaker-open" }));
        await Eventually.TrueAsync(
            () => harness.Sums.Of("agent.calls").Contains("a|request_headers|BadAnswer=3"), TimeSpan.FromSeconds(30), "the calls to be counted as what they were");
    }

    private static IEnumerable<TestCaseData> RefusalsWithUnfitDetails() =>
    [
        new TestCaseData(Answer.Block(403).WithHeader("Content-Length", "2"), "Block").SetArgDisplayNames("block with a length"),
        new TestCaseData(new AgentResponse { Decision = new BlockDecision(100) }, "Block").SetArgDisplayNames("block with status 100"),
        new TestCaseData(Answer.Block(403).WithRequestHeaders(HeaderOperation.Set("host", "evil")), "Block").SetArgDisplayNames("block with edits"),
        new TestCaseData(Answer.Block(403).WithBody(new string('x', (1024 * 1024) + 1)), "Block").SetArgDisplayNames("block with a long page"),
        new TestCaseData(new AgentResponse { Decision = new RedirectDecision("/l", 300) }, "Redirect").SetArgDisplayNames("redirect with status 300"),
        new TestCaseData(new AgentResponse { Decision = new RedirectDecision("login") }, "Redirect").SetArgDisplayNames("relative redirect"),
        new TestCaseData(new AgentResponse { Decision = new RedirectDecision("javascript:alert(1)") }, "Block").SetArgDisplayNames("redirect to a script"),
        new TestCaseData(Answer.Challenge("captcha", ("text", "a\nb")), "Challenge").SetArgDisplayNames("challenge with a line break"),
        new TestCaseData(Answer.Challenge("js challenge"), "Challenge").SetArgDisplayNames("challenge with a space in its type"),
    ];

    // Rule 19: with failure-mode=open a detail of a refusal must not become an allow.
    [TestCaseSource(nameof(RefusalsWithUnfitDetails))]
    public async Task RefusalWithAnUnfitDetail_NeverLetsTheRequestPass(object refusal, string kind)
    {
        await using var agent = new LambdaAgent("a")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Open),
            Answers = (message, _) => new(message is RequestHeadersEvent ? (AgentResponse)refusal : AgentResponse.Allow),
        };
        await using var harness = await InspectionHarness.StartAsync(agent);

        var answer = await harness.Client.AskAsync(Events.Request("x"));
        await harness.Client.AskAsync(Events.Complete("x"));

        Assert.That(answer.Decision.GetType().Name, Is.EqualTo(kind + "Decision"));
        Assert.That(answer.Audit.ReasonCodes, Has.None.Contains("bad-answer"));
        await Eventually.TrueAsync(() => harness.Sums.Of("agent.exchanges").Contains("a|request|inspected|none=1"), TimeSpan.FromSeconds(30), "the exchange to be inspected");
        Assert.That(harness.ConnectionsOf("a").Single().Errors, Is.Zero, "the agent did not fail");
    }

    [Test]
    public async Task RefusalWithAnUnfitDetail_IsNamedInTheLog()
    {
        await using var agent = LambdaAgent.That("a", Answer.Block(403).WithHeader("Content-Length", "2"));
        await using var harness = await InspectionHarness.StartAsync(agent);

        await harness.Client.AskAsync(Events.Request("x"));
        await harness.Client.AskAsync(Events.Request("y"));

        Assert.That(harness.Logs.Collector.GetSnapshot().Where(static entry => entry.Id.Name == "NoEffect").Select(static entry => entry.Message),
            Has.Exactly(1).Items.And.One.Contains("'Content-Length' is reserved").And.One.Contains("left out"));
    }

    [Test]
    public async Task PieceWhoseAnswerMayNotBeApplied_IsAFailureForHealthToo()
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = static (message, _) =>
                new(message is RequestBodyChunkEvent ? AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Remove("te")) : AgentResponse.Allow),
        };
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        Assert.That((await harness.Client.AskAsync(Events.RequestBody("x", "a", last: true))).Decision, Is.EqualTo(new BlockDecision(503)));
        await Eventually.TrueAsync(() => harness.ConnectionsOf("a").Single().Errors == 1, TimeSpan.FromSeconds(30), "the connection's error");
    }

    [Test]
    public async Task BodyWithAHole_IsNeverResumed()
    {
        var hang = true;
        var clock = new FakeTimeProvider();
        await using var agent = new LambdaAgent("a")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Open) with { BodyTimeout = TimeSpan.FromMilliseconds(100) },
            Answers = async (message, token) =>
            {
                if (message is RequestBodyChunkEvent && hang)
                {
                    hang = false;
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
                }

                return AgentResponse.Allow;
            },
        };
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Time = clock }, agent);
        await harness.Client.AskAsync(Events.Request("x"));
        var first = harness.Client.AskAsync(Events.RequestBody("x", "1"));
        await agent.SeenAsync(2);
        clock.Advance(TimeSpan.FromMilliseconds(100));
        await first;
        await Eventually.TrueAsync(() => harness.ConnectionsOf("a").All(static pooled => pooled.Connection.Stats.Owed == 0), TimeSpan.FromSeconds(30), "the late answer");

        var second = await harness.Client.AskAsync(Events.RequestBody("x", "2", last: true, index: 1));
        var response = await harness.Client.AskAsync(Events.Response("x"));

        Assert.That(second.Audit.ReasonCodes, Is.EqualTo(new[] { "a:timeout" }));
        Assert.That(response, Is.SameAs(AgentResponse.Allow), "the other direction is whole");
        Assert.That(agent.Seen.OfType<RequestBodyChunkEvent>().Count(), Is.EqualTo(1));
    }

    [TestCase(4, true)]
    [TestCase(5, false)]
    public async Task PieceLargerThanTheAgentTakes_IsTooLarge(int size, bool fits)
    {
        await using var agent = new LambdaAgent("a") { MaxBodySize = 4 * 1024 };
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        var answer = await harness.Client.AskAsync(Events.RequestBody("x", new string('b', size * 1024), last: true));
        await harness.Client.AskAsync(Events.Complete("x"));
        Assert.That(answer.Decision, Is.EqualTo(fits ? Decision.Allow : new BlockDecision(413)));
        Assert.That(harness.Sums.Of("agent.exchanges"), Is.EqualTo(new[] { fits ? "a|request|inspected|none=1" : "a|request|refused|too-large=1" }));
    }

    [Test]
    public async Task GuardrailThatFailsClosed_IsNeverClean()
    {
        await using var agent = new LambdaAgent("a") { Answers = static (_, _) => throw new InvalidOperationException("broken") };
        await using var harness = await InspectionHarness.StartAsync(agent);
        var answer = await harness.Client.AskAsync(Events.Guardrail("x", "text"));
        Assert.That(answer.Guardrail!.Detected, Is.True);
        Assert.That(answer.Guardrail.Detections.Single().Category, Is.EqualTo("inspection_unavailable"));
        Assert.That(answer.Decision, Is.EqualTo(new BlockDecision(503)));
    }

    [Test]
    public async Task BudgetOfAPhase_IsSharedByAgentsInSequence()
    {
        async ValueTask<AgentResponse> Hang(AgentEvent message, CancellationToken token)
        {
            if (message is RequestHeadersEvent)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
            }

            return AgentResponse.Allow;
        }

        await using var first = new LambdaAgent("first") { Policy = LambdaAgent.PolicyOf(FailureMode.Open), Answers = Hang };
        await using var second = new LambdaAgent("second") { Policy = LambdaAgent.PolicyOf(FailureMode.Open), Answers = Hang };
        await using var harness = await InspectionHarness.StartAsync(
            new HarnessOptions { Sequential = true, Budget = TimeSpan.FromMilliseconds(150) }, first, second);

        var answer = await harness.Client.AskAsync(Events.Request("x"));

        Assert.That(answer.Audit.ReasonCodes, Is.EqualTo(new[] { "first:timeout", "second:timeout" }));
        Assert.That(second.Seen, Is.Empty, "nothing was left for it, so nothing was sent");
    }
}
