using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>Connections that die under an exchange, and agents that missed its beginning (rule 11, spec §5.2).</summary>
public sealed class LostConnectionTests
{
    [Test]
    public async Task RequestHeadersWhoseConnectionDies_AreAskedOnceMore()
    {
        InspectionHarness? harness = null;
        await using var agent = new LambdaAgent("a");
        agent.Answers = async (message, token) =>
        {
            if (message is RequestHeadersEvent && agent.Seen.Count == 1)
            {
                harness!.ConnectionsOf("a").Single(static pooled => pooled.Connection.Stats.InFlight > 0).Connection.Abort("crash");
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
            }

            return AgentResponse.Allow.WithTag("second");
        };
        await using var running = harness = await InspectionHarness.StartAsync(new HarnessOptions { Connections = 2 }, agent);

        var answer = await harness.Client.AskAsync(Events.Request("x"));
        await harness.Client.AskAsync(Events.Complete("x"));

        Assert.That(answer.Audit.Tags, Is.EqualTo(new[] { "second" }));
        Assert.That(harness.Sums.Sum("agent.retries"), Is.EqualTo(1));
        Assert.That(harness.Sums.Of("agent.exchanges"), Is.EqualTo(new[] { "a|request|inspected|none=1" }));
    }

    [Test]
    public async Task RequestThatLosesTwoConnections_FailsAndIsNamed()
    {
        InspectionHarness? harness = null;
        await using var agent = new LambdaAgent("a");
        agent.Answers = async (_, token) =>
        {
            harness!.ConnectionsOf("a").Single(static pooled => pooled.Connection.Stats.InFlight > 0).Connection.Abort("crash");
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
            return AgentResponse.Allow;
        };
        await using var running = harness = await InspectionHarness.StartAsync(new HarnessOptions { Connections = 2 }, agent);

        var answer = await harness.Client.AskAsync(Events.Request("x"));

        Assert.That(answer.Audit.ReasonCodes, Is.EqualTo(new[] { "a:agent-crash" }));
        Assert.That(agent.Seen, Has.Count.EqualTo(2), "one retry, no more");
        Assert.That(
            harness.Logs.Collector.GetSnapshot().Single(static entry => entry.Id.Name == "LostTwice").GetStructuredStateValue("Exchange"),
            Is.EqualTo(agent.Seen[0].CorrelationId.ToString()));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task ResponseAfterTheConnectionThatKnewTheRequestDied_FollowsTheFailureMode(bool open)
    {
        await using var agent = new LambdaAgent("a") { Policy = LambdaAgent.PolicyOf(open ? FailureMode.Open : FailureMode.Closed) };
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        harness.Crash("a");

        var answer = await harness.Client.AskAsync(Events.Response("x"));
        await harness.Client.AskAsync(Events.Complete("x"));

        Assert.That(answer.Decision, Is.EqualTo(open ? Decision.Allow : new BlockDecision(503)));
        Assert.That(harness.Sums.Of("agent.exchanges"), Is.EqualTo(new[]
        {
            "a|request|inspected|none=1", $"a|response|{(open ? "bypassed" : "refused")}|agent-crash=1",
        }));
    }

    [Test]
    public async Task AgentThatMissedTheRequest_IsNotAskedAboutTheResponse()
    {
        // The clock stands still, so the pool dials again only when it is told to: no second connection is there for a retry.
        InspectionHarness? harness = null;
        var clock = new FakeTimeProvider();
        await using var agent = new LambdaAgent("a") { Policy = LambdaAgent.PolicyOf(FailureMode.Open) };
        agent.Answers = async (message, token) =>
        {
            if (message is RequestHeadersEvent && agent.Seen.Count == 1)
            {
                harness!.Crash("a");
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
            }

            return AgentResponse.Allow;
        };
        await using var running = harness = await InspectionHarness.StartAsync(new HarnessOptions { Time = clock }, agent);
        await harness.Client.AskAsync(Events.Request("x"));
        await Eventually.TrueAsync(
            clock, TimeSpan.FromMilliseconds(10), () => harness.ConnectionsOf("a").Any(static pooled => pooled.TakesNew), "the next connection");

        var answer = await harness.Client.AskAsync(Events.Response("x"));

        Assert.That(answer.Audit.ReasonCodes, Is.EqualTo(new[] { "a:agent-crash" }));
        Assert.That(agent.Seen, Has.Count.EqualTo(1), "it would let pass what it cannot know");
    }

    [Test]
    public async Task AgentThatComesUpAfterTheRequest_BeginsWithTheNextExchange()
    {
        await using var agent = new LambdaAgent("a") { IsAbsent = true, Policy = LambdaAgent.PolicyOf(FailureMode.Open) };
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        await harness.ComeUpAsync(agent);

        var response = await harness.Client.AskAsync(Events.Response("x"));
        await harness.Client.AskAsync(Events.Complete("x"));
        var next = await harness.Client.AskAsync(Events.Request("y", "/next"));

        Assert.That(response.Audit.ReasonCodes, Is.EqualTo(new[] { "a:agent-absent" }));
        Assert.That(next, Is.SameAs(AgentResponse.Allow));
        Assert.That(agent.Seen.Single(), Is.TypeOf<RequestHeadersEvent>().With.Property(nameof(RequestHeadersEvent.Uri)).EqualTo("/next"));
    }
}
