using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.FrontEnds.Decide;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Ledger;

/// <summary>A proxy that goes on while a request's body is held here, or goes away before its end: what agents did not see of it is never inspected.</summary>
internal sealed class UnfinishedBodyTests
{
    private const string Prefix = "native:native.sock|all|";

    [TestCase(BodyMode.Buffer, false, "abandoned")]
    [TestCase(BodyMode.Stream, true, "partly")]
    public async Task ResponseWhileTheBodyIsHeld_IsBlockedWhereAgentsFailClosed(BodyMode mode, bool asksForMore, string state)
    {
        await using var agent = Agent(mode, FailureMode.Closed, asksForMore);
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x", method: "POST"));
        var held = await harness.Client.AskAsync(Events.RequestBody("x", "EVIL"));
        var response = await harness.Client.AskAsync(Events.Response("x"));
        var body = await harness.Client.AskAsync(Events.ResponseBody("x", "done", last: true));
        await harness.Client.AskAsync(Events.Complete("x"));

        Assert.That((held.NeedsMore, held.Decision), Is.EqualTo((true, Decision.Allow)));
        Assert.That((response.Decision, body.Decision), Is.EqualTo((new BlockDecision(413), new BlockDecision(413))));
        Assert.That(response.Audit.ReasonCodes, Is.EqualTo(new[] { "body-unfinished" }));
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { $"{Prefix}{state}|body-unfinished=1" }));
        Assert.That(harness.Sums.Of("agent.exchanges"), Is.EqualTo(new[] { $"a|request|{state}|body-unfinished=1" }));
        Assert.That(agent.Seen.OfType<ResponseHeadersEvent>(), Is.Empty, "no answer of an agent to it is applied");
        Assert.That(harness.BodyMemory.Used, Is.Zero);
    }

    [Test]
    public async Task ResponseWhileTheBodyIsHeld_PassesWhereAgentsFailOpen_AndIsCounted()
    {
        await using var agent = Agent(BodyMode.Buffer, FailureMode.Open);
        await using var harness = await InspectionHarness.StartAsync(agent);
        for (var i = 0; i < 3; i++)
        {
            await harness.Client.AskAsync(Events.Request($"x{i}", method: "POST"));
            await harness.Client.AskAsync(Events.RequestBody($"x{i}", "EVIL"));
            Assert.That((await harness.Client.AskAsync(Events.Response($"x{i}"))).Decision, Is.EqualTo(Decision.Allow));
            await harness.Client.AskAsync(Events.Complete($"x{i}"));
        }

        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { Prefix + "abandoned|body-unfinished=3" }));
        var line = harness.Logs.Collector.GetSnapshot().Single(static entry => entry.Message.Contains("body-unfinished")).Message;
        Assert.That(line, Does.StartWith("listener native:native.sock").And.Contain("inspect-first"), "one warning of a listener, not one of each exchange");
        Assert.That(harness.Inspector.Warnings.All, Is.EqualTo(new[] { line }), "for sidecar status");
    }

    [TestCase(BodyMode.Buffer, "abandoned")]
    [TestCase(BodyMode.Stream, "partly")]
    public async Task ExchangeThatEndsBeforeItsBody_IsNotInspected(BodyMode mode, string state)
    {
        await using var agent = Agent(mode, FailureMode.Open);
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x", method: "POST"));
        await harness.Client.AskAsync(Events.RequestBody("x", "EVIL"));
        await harness.Client.AskAsync(Events.Complete("x"));

        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { $"{Prefix}{state}|body-unfinished=1" }));
    }

    [TestCase("expires")]
    [TestCase("is cancelled and expires")]
    [TestCase("vanishes")]
    [TestCase("stops")]
    public async Task ExchangeThatIsLeftBeforeItsBodyEnds_IsNotInspected(string how)
    {
        var clock = new FakeTimeProvider();
        await using var agent = Agent(BodyMode.Stream, FailureMode.Closed);
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Time = clock, Expiry = TimeSpan.FromSeconds(30) }, agent);
        var client = await harness.ConnectAsync();
        await client.AskAsync(Events.Request("x", method: "POST"));
        await client.AskAsync(Events.RequestBody("x", "EVIL"));
        switch (how)
        {
            case "vanishes":
                await client.DisposeAsync();
                break;
            case "stops":
                await harness.StopListenerAsync();
                break;
            case "expires":
                clock.Advance(TimeSpan.FromSeconds(31));
                break;
            default:
                client.Connection.Cancel(CorrelationId.Parse("x"), CancelReason.ClientDisconnect);
                clock.Advance(TimeSpan.FromSeconds(31));
                break;
        }

        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { Prefix + "partly|body-unfinished=1" }));
    }

    // A body that is judged as it comes may still be under way when an upstream answers.
    [Test]
    public async Task ResponseBeforeTheEndOfABodyOfWhichNothingIsHeld_GoesOn()
    {
        await using var agent = Agent(BodyMode.Stream, FailureMode.Closed);
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x", method: "POST"));
        await harness.Client.AskAsync(Events.RequestBody("x", "one"));
        Assert.That((await harness.Client.AskAsync(Events.Response("x"))).Decision, Is.EqualTo(Decision.Allow));
        await harness.Client.AskAsync(Events.RequestBody("x", "two", last: true, index: 1));
        await harness.Client.AskAsync(Events.Complete("x"));

        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { Prefix + "inspected|none=1" }));
    }

    [Test]
    public async Task BodyThatIsBlockedBeforeItsEnd_IsInspected()
    {
        await using var agent =
            new LambdaAgent("a") { Answers = static (message, _) => new(message is RequestBodyChunkEvent ? Answer.Block() : AgentResponse.Allow) };
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x", method: "POST"));
        Assert.That((await harness.Client.AskAsync(Events.RequestBody("x", "EVIL"))).Decision, Is.InstanceOf<BlockDecision>());
        await harness.Client.AskAsync(Events.Complete("x"));

        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { Prefix + "inspected|none=1" }));
    }

    [Test]
    public async Task AgentThatTakesNoBodies_IsNotConcerned()
    {
        await using var body = Agent(BodyMode.Buffer, FailureMode.Open);
        await using var headers = new LambdaAgent("b") { Supports = EventSet.RequestHeaders };
        await using var harness = await InspectionHarness.StartAsync(body, headers);
        await harness.Client.AskAsync(Events.Request("x", method: "POST"));
        await harness.Client.AskAsync(Events.RequestBody("x", "EVIL"));
        await harness.Client.AskAsync(Events.Complete("x"));

        await harness.EndedAsync();
        Assert.That(harness.Sums.Of("agent.exchanges"), Is.EqualTo(new[] { "a|request|abandoned|body-unfinished=1", "b|request|inspected|none=1" }));
    }

    [TestCase(FailureMode.Closed, "block")]
    [TestCase(FailureMode.Open, "allow")]
    public async Task ScriptThatGoesOnWithAHeldBody_IsNotInspectedEither(FailureMode mode, string action)
    {
        await using var agent = Agent(BodyMode.Buffer, mode);
        await using var harness = await JsonHarness.StartAsync(agent);
        await harness.AskAsync(Questions.Request("t", body: Questions.Body("EVIL", final: false)));
        Assert.That((await harness.AskAsync(Questions.Response("t"))).Action(), Is.EqualTo(action));
        await harness.DecisionService.CompleteAsync("t", new RequestCompleteEvent(), null);

        Assert.That((await harness.Daemon.EndedAsync()).Single(), Does.StartWith("http:json|all|abandoned|body-unfinished"));
    }

    private static LambdaAgent Agent(BodyMode mode, FailureMode failure, bool asksForMore = false)
    {
        var policy = LambdaAgent.PolicyOf(failure);
        return new LambdaAgent("a")
        {
            Policy = policy with { RequestBody = policy.RequestBody with { Mode = mode } },
            Answers = (message, _) => new(AgentResponse.Allow with { NeedsMore = asksForMore && message is RequestBodyChunkEvent }),
        };
    }
}
