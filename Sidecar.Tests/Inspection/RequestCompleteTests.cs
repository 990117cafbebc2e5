using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>Whoever saw an exchange learns that it is over, whichever way it ended; agents keep something for it until then (spec §11.3).</summary>
public sealed class RequestCompleteTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Test]
    public async Task Blocked_ByTheAgentItself_AndByAnother()
    {
        await using var blocking = LambdaAgent.That("b", new AgentResponse { Decision = new BlockDecision() });
        await using var other = new LambdaAgent("a");
        await using var unasked = new LambdaAgent("c");
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Sequential = true }, other, blocking, unasked);
        await harness.Client.AskAsync(Events.Request("x"));
        await harness.Client.AskAsync(Events.Complete("x", 403));
        await CompletedAsync(blocking);
        await CompletedAsync(other);
        Assert.That(unasked.Seen, Is.Empty, "what it did not see cannot be over");
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task AnswerThatCameTooLate(bool cancelled)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var clock = new FakeTimeProvider();
        await using var agent = new LambdaAgent("a")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Open, TimeSpan.FromMilliseconds(50)),
            Answers = async (message, _) =>
            {
                await (message is RequestHeadersEvent ? gate.Task : Task.CompletedTask);
                return AgentResponse.Allow;
            },
        };
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Time = clock }, agent);
        var request = Events.Request("x");
        var asking = harness.Client.CallAsync(request);
        await agent.SeenAsync(1);
        if (cancelled)
        {
            harness.Client.Connection.Cancel(request.CorrelationId, CancelReason.ClientDisconnect);
        }
        else
        {
            clock.Advance(TimeSpan.FromMilliseconds(50));
        }

        await asking;
        var other = await harness.ConnectAsync();
        await other.AskAsync(Events.Complete("x"));
        gate.SetResult();
        await CompletedAsync(agent);
    }

    // It judged nothing, yet it knows of the exchange.
    [Test]
    public async Task AgentThatCouldNotDecide()
    {
        await using var agent = new LambdaAgent("a")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Open),
            Answers = static (message, _) => message is RequestHeadersEvent ? throw new FormatException("a bug") : new(AgentResponse.Allow),
        };
        await using var harness = await InspectionHarness.StartAsync(agent);
        var answer = await harness.Client.AskAsync(Events.Request("x"));
        Assert.That(answer.Audit.ReasonCodes, Is.EqualTo(new[] { "a:agent-error" }));
        var response = await harness.Client.AskAsync(Events.Response("x"));
        Assert.That(response.Audit.ReasonCodes, Is.EqualTo(new[] { "a:agent-error" }), "it missed the request");
        await harness.Client.AskAsync(Events.Complete("x"));
        await CompletedAsync(agent);
        Assert.That(agent.Seen, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Superseded_AndExpired()
    {
        var clock = new FakeTimeProvider();
        await using var agent = new LambdaAgent("a");
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Time = clock, Expiry = TimeSpan.FromSeconds(30) }, agent);
        await harness.Client.AskAsync(Events.Request("x", "/first"));
        await harness.Client.AskAsync(Events.Request("x", "/second"));
        await Eventually.TrueAsync(() => Completes(agent).Count == 1, Limit, "the end of the first");
        clock.Advance(TimeSpan.FromSeconds(31));
        await Eventually.TrueAsync(() => Completes(agent).Count == 2, Limit, "the end of the second");
        Assert.That(
            Completes(agent).Select(static complete => complete.CorrelationId),
            Is.EqualTo(agent.Seen.OfType<RequestHeadersEvent>().Select(static request => request.CorrelationId)));
    }

    [Test]
    public async Task ConnectionDied_NobodyWhoKnowsItIsLeft()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Connections = 2 }, agent);
        await harness.Client.AskAsync(Events.Request("x"));
        harness.Crash("a");
        await Eventually.TrueAsync(() => harness.ConnectionsOf("a").Count(static pooled => pooled.TakesNew) == 2, Limit, "new connections");
        await harness.Client.AskAsync(Events.Complete("x"));
        await harness.StopListenerAsync();
        Assert.That(Completes(agent), Is.Empty);
    }

    // Agents in monitor mode keep state too.
    [Test]
    public async Task Monitors_AreTold()
    {
        await using var agent = new LambdaAgent("a") { Policy = LambdaAgent.PolicyOf(FailureMode.Open) with { Mode = AgentMode.Monitor } };
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        await agent.SeenAsync(1);
        await harness.Client.AskAsync(Events.Complete("x"));
        await CompletedAsync(agent);
    }

    [Test]
    public async Task FullAgent_IsToldWhenItHasRoom()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var clock = new FakeTimeProvider();
        await using var agent = new LambdaAgent("a")
        {
            MaxConcurrency = 1,
            Answers = async (message, _) =>
            {
                await (message is RequestHeadersEvent { Uri: "/slow" } ? gate.Task : Task.CompletedTask);
                return AgentResponse.Allow;
            },
        };
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Time = clock }, agent);
        await harness.Client.AskAsync(Events.Request("x"));
        var slow = harness.Client.AskAsync(Events.Request("y", "/slow"));
        await agent.SeenAsync(2);
        await harness.Client.AskAsync(Events.Complete("x"));

        // It is told for five seconds only, so the clock goes slowly.
        var tick = TimeSpan.FromMilliseconds(1);
        await Eventually.TrueAsync(
            clock, tick, () => harness.Sums.Of("agent.calls").Any(static line => line.Contains("NoRoom", StringComparison.Ordinal)), "a first attempt that finds no room");
        gate.SetResult();
        await slow;
        await Eventually.TrueAsync(clock, tick, () => Completes(agent).Count > 0, "the next attempt");
        await CompletedAsync(agent);
    }

    private static List<RequestCompleteEvent> Completes(LambdaAgent agent) => [.. agent.Seen.OfType<RequestCompleteEvent>()];

    private static async Task CompletedAsync(LambdaAgent agent)
    {
        await Eventually.TrueAsync(() => Completes(agent).Count > 0, Limit, $"the end at agent {agent.Id}");
        Assert.That(Completes(agent).Single().CorrelationId, Is.EqualTo(agent.Seen[0].CorrelationId));
    }
}
