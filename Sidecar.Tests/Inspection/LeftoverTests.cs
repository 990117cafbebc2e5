using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>Defects of the reference's pool (spec §10) that show in what a whole exchange leaves behind, by their numbers.</summary>
public sealed class LeftoverTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    // Its own timeout is far away; what is up is the phase's time, which is the caller's.
    [Test]
    public async Task Defect22_TimeOfThePhaseIsUp_CountsAsTheAgentsTimeout_AndNothingStaysInFlight()
    {
        var clock = new FakeTimeProvider();
        var budget = TimeSpan.FromMilliseconds(50);
        await using var agent = new LambdaAgent("a") { Answers = UntilCancelledAsync };
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Time = clock, Budget = budget }, agent);
        var asking = harness.Client.AskAsync(Events.Request("x"));
        await agent.SeenAsync(1);
        clock.Advance(budget);
        var answer = await asking;
        Assert.That(answer.Decision, Is.EqualTo(new BlockDecision(504)));
        await Eventually.TrueAsync(() => harness.Sums.Of("agent.calls") is ["a|request_headers|TimedOut=1"], Limit, "the timeout to be counted");
        var pooled = harness.ConnectionsOf("a").Single();
        Assert.That(pooled.Errors, Is.Zero, "a phase that is shorter than the agent's own time says nothing about the agent");
        await harness.Client.AskAsync(Events.Complete("x", 504));
        await harness.EndedAsync();
        await NothingIsLeftAsync(harness, agent);
    }

    [Test]
    public async Task Defect26_ExchangesThatEndInAnyWay_LeaveNothingBehind()
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = static (message, cancellation) => message switch
            {
                RequestHeadersEvent { Uri: "/hang" } => UntilCancelledAsync(message, cancellation),
                RequestHeadersEvent { Uri: "/throw" } => throw new FormatException("a bug"),
                RequestHeadersEvent { Uri: "/block" } => new(new AgentResponse { Decision = new BlockDecision() }),
                _ => new(AgentResponse.Allow),
            },
        };
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Expiry = TimeSpan.FromMilliseconds(200) }, agent);
        await harness.Client.AskAsync(Events.Request("forgotten"));
        await harness.Client.AskAsync(Events.Request("superseded"));
        await harness.Client.AskAsync(Events.Request("superseded"));
        await harness.Client.AskAsync(Events.Request("blocked", "/block"));
        await harness.Client.AskAsync(Events.Request("failed", "/throw"));

        // Its client goes away while it waits.
        var leaving = await harness.ConnectAsync();
        var asking = leaving.CallAsync(Events.Request("abandoned", "/hang"));
        await Eventually.TrueAsync(() => agent.Seen.Any(static message => message is RequestHeadersEvent { Uri: "/hang" }), Limit, "the agent to be asked");
        await leaving.DisposeAsync();
        await asking;

        // Its agent goes away before the response.
        await harness.Client.AskAsync(Events.Request("orphaned"));
        harness.Crash("a");
        await harness.Client.AskAsync(Events.Response("orphaned"));

        await harness.EndedAsync();
        Assert.That(harness.Sums.Sum("exchanges"), Is.AtLeast(7), "a response that comes after the expiry is one more");
        await NothingIsLeftAsync(harness, agent);
    }

    // The reference let everything pass without a word while an agent had asked to be sent nothing.
    [Test]
    public async Task Defect30_ResponseThatPassesAPausedAgent_IsAccountedAndNamed()
    {
        await using var agent = new LambdaAgent("a") { Policy = LambdaAgent.PolicyOf(FailureMode.Open) };
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        var connection = harness.ConnectionsOf("a").Single().Connection;
        harness.StateOf("a").Current.Pool.OnFlowControl(connection, new FlowControlSignal { Action = FlowAction.Pause });
        var answer = await harness.Client.AskAsync(Events.Response("x"));
        Assert.That((answer.Decision, answer.Audit.ReasonCodes.Single()), Is.EqualTo((Decision.Allow, "a:flow-control")));
        await harness.Client.AskAsync(Events.Complete("x"));
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|bypassed|flow-control=1" }));
        Assert.That(agent.Seen.OfType<ResponseHeadersEvent>(), Is.Empty);
        Assert.That(harness.Logs.Collector.GetSnapshot().Select(static entry => entry.Message), Has.Some.Contains("agent a asks to Pause"));
    }

    private static async ValueTask<AgentResponse> UntilCancelledAsync(AgentEvent message, CancellationToken cancellation)
    {
        if (message is RequestHeadersEvent)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
        }

        return AgentResponse.Allow;
    }

    private static async Task NothingIsLeftAsync(InspectionHarness harness, LambdaAgent agent)
    {
        var version = harness.StateOf(agent.Id).Current;
        await Eventually.TrueAsync(
            () => (version.Pool.InFlight, version.Admission.Running, version.Admission.Waiting, version.OpenExchanges) == (0, 0, 0, 0), Limit, "no call to be in flight and no exchange to be open");

        Assert.That(harness.BodyMemory.Used, Is.Zero);
    }
}
