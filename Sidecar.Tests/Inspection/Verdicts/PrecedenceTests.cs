using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Verdicts;

/// <summary>Rule 2: block, challenge, redirect, failed-closed, allow; ties by route order; a block ends the wait.</summary>
public sealed class PrecedenceTests
{
    private static readonly string[] Kinds = ["allow", "failed", "redirect", "challenge", "block"];

    private static IEnumerable<TestCaseData> Pairs() =>
        from first in Kinds from second in Kinds from reversed in new[] { false, true } select new TestCaseData(first, second, reversed);

    [TestCaseSource(nameof(Pairs))]
    public async Task TwoAgentsAtOnce_TheStrongerDecidesInAnyOrder(string first, string second, bool reversed)
    {
        // One answers when both were asked, the other only then: a failure closed or a block ends its wait instead.
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var one = Agent("one", first, reversed ? turn.Task : start.Task);
        await using var two = Agent("two", second, reversed ? start.Task : turn.Task);
        await using var harness = await InspectionHarness.StartAsync(one, two);
        var asking = harness.Client.AskAsync(Events.Request("x"));
        await one.SeenAsync(1);
        await two.SeenAsync(1);
        start.SetResult();
        var early = reversed ? second : first;
        if (early is not ("block" or "failed"))
        {
            await Eventually.TrueAsync(
                () => harness.Sums.Of("agent.calls").Contains($"{(reversed ? "two" : "one")}|request_headers|Answered=1"),
                TimeSpan.FromSeconds(30), "the early answer");
            turn.SetResult();
        }

        var answer = await asking;
        var expected = early is "block" or "failed" ? early : Stronger(first, second);
        Assert.That(NameOf(answer), Is.EqualTo(expected));
        if (expected == early && early is "block" or "failed")
        {
            Assert.That(answer.Audit.ReasonCodes, Has.Some.StartsWith(reversed ? "two:" : "one:"));
        }
        else if (first == second && first is "redirect" or "challenge")
        {
            Assert.That(answer.Decision.ToString(), Does.Contain("one"), "a tie goes to the first of the route");
        }
    }

    [Test]
    public async Task BlockOfThree_EndsTheWaitAndCancelsTheOthers()
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        async ValueTask<AgentResponse> Hang(CancellationToken token)
        {
            await using var registration = token.Register(cancelled.SetResult);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
            return AgentResponse.Allow;
        }

        await using var slow = new LambdaAgent("slow") { Answers = (message, token) => message is RequestHeadersEvent ? Hang(token) : new(AgentResponse.Allow) };
        await using var blocking = new LambdaAgent("blocking") { Answers = (message, _) => BlockAfterAsync(message, slow) };
        await using var quick = LambdaAgent.That("quick", AgentResponse.Allow.WithTag("seen"));
        await using var harness = await InspectionHarness.StartAsync(slow, blocking, quick);

        var answer = await harness.Client.AskAsync(Events.Request("x"));

        Assert.That(answer.Decision, Is.EqualTo(new BlockDecision(451)));
        Assert.That(answer.Audit.RuleIds, Is.EqualTo(new[] { "r1" }));
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        await harness.Client.AskAsync(Events.Complete("x"));
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|inspected|none=1" }));
        Assert.That(harness.Sums.Of("agent.exchanges"), Does.Contain("slow|request|abandoned|decided=1").And.Contain("blocking|request|inspected|none=1"));
    }

    [Test]
    public async Task RedirectOfAResponse_StillWaitsForTheBlock()
    {
        await using var redirecting =
            new LambdaAgent("one") { Answers = (message, _) => new(message is ResponseHeadersEvent ? Answer.Redirect("/one") : AgentResponse.Allow) };
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var blocking = new LambdaAgent("two")
        {
            Answers = async (message, _) =>
            {
                if (message is not ResponseHeadersEvent)
                {
                    return AgentResponse.Allow;
                }

                await turn.Task;
                return Answer.Block(403);
            },
        };
        await using var harness = await InspectionHarness.StartAsync(redirecting, blocking);
        await harness.Client.AskAsync(Events.Request("x"));
        var asking = harness.Client.AskAsync(Events.Response("x"));
        await Eventually.TrueAsync(() => harness.Sums.Of("agent.calls").Contains("one|response_headers|Answered=1"), TimeSpan.FromSeconds(30), "the redirect");
        turn.SetResult();
        Assert.That((await asking).Decision, Is.EqualTo(new BlockDecision(403)));
    }

    private static async ValueTask<AgentResponse> BlockAfterAsync(AgentEvent message, LambdaAgent other)
    {
        await other.SeenAsync(1);
        return message is RequestHeadersEvent ? Answer.Block(451).WithRule("r1") : AgentResponse.Allow;
    }

    private static LambdaAgent Agent(string id, string kind, Task turn) => new(id)
    {
        Policy = LambdaAgent.PolicyOf(FailureMode.Closed),
        Answers = async (message, token) =>
        {
            if (message is not RequestHeadersEvent)
            {
                return AgentResponse.Allow;
            }

            await turn.WaitAsync(token);
            return kind switch
            {
                "allow" => AgentResponse.Allow,
                "redirect" => Answer.Redirect("/" + id),
                "challenge" => Answer.Challenge("x-" + id),
                "block" => Answer.Block(403),
                _ => throw new InvalidOperationException("cannot decide"),
            };
        },
    };

    private static string Stronger(string first, string second) => Array.IndexOf(Kinds, first) >= Array.IndexOf(Kinds, second) ? first : second;

    private static string NameOf(AgentResponse answer) => answer.Decision switch
    {
        BlockDecision { Status: 503 } => "failed",
        BlockDecision => "block",
        ChallengeDecision => "challenge",
        RedirectDecision => "redirect",
        _ => "allow",
    };
}
