using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Agents;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>An agent that does not take an event must never look as if it had inspected it.</summary>
internal sealed class UnsupportedEventTests
{
    [TestCase(FailureMode.Closed, "refused")]
    [TestCase(FailureMode.Open, "bypassed")]
    public async Task NamedEventTheAgentDoesNotTake_FollowsTheFailureMode(FailureMode mode, string state)
    {
        await using var agent = new LambdaAgent("waf")
        {
            Supports = EventSet.GuardrailInspect,
            Policy = LambdaAgent.PolicyOf(mode) with { Events = EventSet.RequestHeaders, Required = EventSet.RequestHeaders },
        };
        await using var harness = await InspectionHarness.StartAsync(agent);

        var answer = await harness.Client.AskAsync(Events.Request("x"));
        await harness.Client.AskAsync(Events.Complete("x", 200));

        Assert.That(answer.Decision, mode == FailureMode.Closed ? Is.TypeOf<BlockDecision>() : Is.TypeOf<AllowDecision>());
        Assert.That(agent.Seen, Is.Empty);
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { $"native:native.sock|all|{state}|unsupported=1" }));
    }

    [Test]
    public async Task AgentThatTakesNothing_IsNamedAsNotAsked()
    {
        await using var agent = new LambdaAgent("idle") { Supports = EventSet.None };
        await using var harness = await InspectionHarness.StartAsync(agent);

        await harness.Client.AskAsync(Events.Request("x"));
        await harness.Client.AskAsync(Events.Complete("x", 200));

        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|not-subject|none=1" }));
        Assert.That(harness.Sums.Of("agent.exchanges"), Is.EqualTo(new[] { "idle|request|not-subject|none=1" }));
    }

    [Test]
    public async Task AgentThatTakesBodiesOnly_IsToldTheHeadersButDoesNotDecideThem()
    {
        await using var agent = LambdaAgent.That("bodies", Answer.Block(403));
        await using var onlyBodies = new LambdaAgent("bodies") { Supports = EventSet.RequestBodyChunk, Answers = agent.Answers };
        await using var harness = await InspectionHarness.StartAsync(onlyBodies);

        var headers = await harness.Client.AskAsync(Events.Request("x"));
        await harness.Client.AskAsync(Events.Complete("x", 200));

        Assert.That(headers.Decision, Is.TypeOf<AllowDecision>(), "its answer about headers does not count");
        Assert.That(onlyBodies.Seen.Select(static seen => seen.Type), Is.EqualTo(new[] { MessageType.RequestHeaders }), "but it needs to see them");
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|not-subject|none=1" }));
    }
}
