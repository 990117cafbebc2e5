using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>
/// What an agent states is not what it takes: most published ones state request headers alone, and what passes them by must never look inspected.
/// </summary>
internal sealed class StatedEventTests
{
    private static readonly string[] Named = ["native:native.sock|all|inspected|body-unasked=1"];

    private static readonly string[] Plain = ["native:native.sock|all|inspected|none=1"];

    [TestCase(EventSet.GuardrailInspect)]
    [TestCase(EventSet.RequestHeaders)]
    [TestCase(EventSet.None)]
    public async Task NamedEvents_AreSentWhateverTheAgentStates_AndItsAnswersCount(EventSet stated)
    {
        await using var agent = new LambdaAgent("waf")
        {
            Supports = stated,
            Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Events = EventSet.RequestHeaders | EventSet.RequestBodyChunk },
            Answers = static (message, _) => new(message is RequestBodyChunkEvent ? Answer.Block(403) : AgentResponse.Allow),
        };
        await using var harness = await InspectionHarness.StartAsync(agent);

        await harness.Client.AskAsync(Events.Request("x"));
        var body = await harness.Client.AskAsync(Events.RequestBody("x", "4111111111111111", last: true));
        await harness.Client.AskAsync(Events.Complete("x", 403));

        Assert.That(body.Decision, Is.TypeOf<BlockDecision>());
        Assert.That(agent.Seen.Select(static seen => seen.Type), Is.EqualTo(new[] { MessageType.RequestHeaders, MessageType.RequestBodyChunk }));
        Assert.That(await harness.EndedAsync(), Is.EqualTo(Plain));
    }

    // Their memory of an exchange is freed by nothing else.
    [TestCase(EventSet.RequestHeaders, null, true)]
    [TestCase(EventSet.RequestHeaders, EventSet.All, true)]
    [TestCase(EventSet.RequestHeaders, EventSet.RequestHeaders | EventSet.RequestComplete, true)]
    [TestCase(EventSet.All, EventSet.RequestHeaders, false)]
    public async Task EveryAgentThatWasToldOfAnExchange_IsToldOfItsEnd_UnlessItsEventsLeaveThatOut(EventSet stated, EventSet? named, bool isTold)
    {
        await using var agent = new LambdaAgent("waf") { Supports = stated, Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Events = named } };
        await using var watching = new LambdaAgent("watch")
        {
            Supports = stated,
            Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Events = named, Mode = AgentMode.Monitor },
        };
        await using var harness = await InspectionHarness.StartAsync(agent, watching);
        await harness.Client.AskAsync(Events.Request("x"));
        await watching.SeenAsync(1);
        await harness.Client.AskAsync(Events.Complete("x", 200));
        await harness.EndedAsync();
        await harness.StopListenerAsync();

        MessageType[] expected = isTold ? [MessageType.RequestHeaders, MessageType.RequestComplete] : [MessageType.RequestHeaders];
        Assert.That(agent.Seen.Select(static seen => seen.Type), Is.EqualTo(expected));
        Assert.That(watching.Seen.Select(static seen => seen.Type), Is.EqualTo(expected));
    }

    [Test]
    public async Task AnAgentThatTakesNothing_IsNamedAsNotAsked()
    {
        await using var agent = new LambdaAgent("idle") { Supports = EventSet.None };
        await using var harness = await InspectionHarness.StartAsync(agent);

        await harness.Client.AskAsync(Events.Request("x"));
        await harness.Client.AskAsync(Events.Complete("x", 200));

        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|not-subject|none=1" }));
        Assert.That(harness.Sums.Of("agent.exchanges"), Is.EqualTo(new[] { "idle|request|not-subject|none=1" }));
    }

    [Test]
    public async Task AnAgentThatTakesBodiesOnly_IsToldTheHeadersButDoesNotDecideThem()
    {
        await using var agent = new LambdaAgent("bodies") { Supports = EventSet.RequestBodyChunk, Answers = static (_, _) => new(Answer.Block(403)) };
        await using var harness = await InspectionHarness.StartAsync(agent);

        var headers = await harness.Client.AskAsync(Events.Request("x"));
        Assert.That(agent.Seen.Select(static seen => seen.Type), Is.EqualTo(new[] { MessageType.RequestHeaders }), "it needs to see them");
        await harness.Client.AskAsync(Events.Complete("x", 200));

        Assert.That(headers.Decision, Is.TypeOf<AllowDecision>(), "its answer about headers does not count");
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|not-subject|none=1" }));
    }

    [TestCase("content-length", "16")]
    [TestCase("transfer-encoding", "chunked")]
    public async Task AnAnnouncedBodyThatNobodyWasAskedAbout_IsNamedInTheLedger_NeverSilentlyInspected(string header, string value)
    {
        Assert.That(await EndOfAsync(WithHeader(header, value), null), Is.EqualTo(Named));
    }

    [Test]
    public async Task ABodyThatCameUnannounced_AndThatNobodyWasAskedAbout_IsNamedInTheLedger()
    {
        Assert.That(await EndOfAsync(Events.Request("x"), "4111111111111111"), Is.EqualTo(Named));
        Assert.That(await EndOfAsync(Events.Request("x"), ""), Is.EqualTo(Plain), "an empty one is none");
    }

    [TestCase("0")]
    [TestCase("000")]
    public async Task ARequestWithoutABody_IsInspected(string length)
    {
        Assert.That(await EndOfAsync(Events.Request("x"), null), Is.EqualTo(Plain));
        Assert.That(await EndOfAsync(WithHeader("content-length", length), null), Is.EqualTo(Plain));
    }

    [Test]
    public async Task WhereTheOperatorLeavesBodiesOut_OrAnotherAgentIsAsked_NothingIsMissing()
    {
        var request = WithHeader("content-length", "4");
        var chosen = new LambdaAgent("waf")
        {
            Supports = EventSet.RequestHeaders,
            Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Events = EventSet.RequestHeaders }
        };
        Assert.That(await EndOfAsync(request, "body", chosen), Is.EqualTo(Plain));

        await using var headers = new LambdaAgent("headers") { Supports = EventSet.RequestHeaders };
        await using var bodies = new LambdaAgent("bodies");
        await using var harness = await InspectionHarness.StartAsync(headers, bodies);
        await harness.Client.AskAsync(request);
        await harness.Client.AskAsync(Events.RequestBody("x", "body", last: true));
        await harness.Client.AskAsync(Events.Complete("x", 200));
        Assert.That(await harness.EndedAsync(), Is.EqualTo(Plain), "somebody was asked");
        Assert.That(harness.Sums.Of("agent.exchanges"), Does.Contain("headers|request|inspected|body-unasked=1").And.Contain("bodies|request|inspected|none=1"));
    }

    private static RequestHeadersEvent WithHeader(string name, string value)
    {
        var request = Events.Request("x");
        request.Headers.Add(name, value);
        return request;
    }

    private static Task<IReadOnlyList<string>> EndOfAsync(RequestHeadersEvent request, string? body) =>
        EndOfAsync(request, body, new LambdaAgent("waf") { Supports = EventSet.RequestHeaders });

    private static async Task<IReadOnlyList<string>> EndOfAsync(RequestHeadersEvent request, string? body, LambdaAgent agent)
    {
        await using var _ = agent;
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(request);
        if (body is not null)
        {
            await harness.Client.AskAsync(Events.RequestBody("x", body, last: true));
        }

        await harness.Client.AskAsync(Events.Complete("x", 200));
        return await harness.EndedAsync();
    }
}
