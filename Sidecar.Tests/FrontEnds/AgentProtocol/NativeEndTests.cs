using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AgentProtocol;

/// <summary>An asker that never announces an end, as a Zentinel proxy: exchanges of which nothing more is wanted keep none of its later ones out.</summary>
public sealed class NativeEndTests
{
    private const string Prefix = "native:native.sock|all|";
    private const int Most = 10;

    [Test]
    public async Task WhatNoAgentWantsMoreOf_EndsThen_AndWhatFollowsIsAllowed()
    {
        await using var agent = Agent(EventSet.RequestHeaders);
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { Prefix + "inspected|none=1" }), "without a word from the asker");

        AgentEvent[] later =
        [
            Events.RequestBody("x", "body", last: true), Events.Response("x"), Events.ResponseBody("x", "body", last: true), Events.Frame("x", "frame"), Events.Complete("x"),
        ];
        foreach (var message in later)
        {
            Assert.That((await harness.Client.AskAsync(message)).Decision, Is.EqualTo(Decision.Allow), $"{message.Type}: the asker tells more than anybody wants");
        }

        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { Prefix + "inspected|none=1" }));
        Assert.That(agent.Seen.Select(static seen => seen.Type), Is.EqualTo(new[] { MessageType.RequestHeaders }));
        Assert.That((await harness.Client.AskAsync(Events.Response("x"))).Decision, Is.EqualTo(new BlockDecision(503)), "its end was announced: the id is forgotten");
    }

    [Test]
    public async Task LastWantedPhase_EndsTheExchange()
    {
        await using var agent = Agent(EventSet.RequestHeaders | EventSet.RequestBodyChunk | EventSet.ResponseHeaders | EventSet.ResponseBodyChunk);
        await using var harness = await InspectionHarness.StartAsync(agent);
        foreach (
            var message in (AgentEvent[])[
                Events.Request("x", method: "POST"), Events.RequestBody("x", "a", last: true), Events.Response("x"), Events.ResponseBody("x", "b")])
        {
            await harness.Client.AskAsync(message);
            Assert.That(harness.Sums.Sum("exchanges"), Is.Zero, $"{message.Type}");
        }

        await harness.Client.AskAsync(Events.ResponseBody("x", "c", last: true, index: 1));
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { Prefix + "inspected|none=1" }));
    }

    [TestCase("HEAD", 200, null)]
    [TestCase("GET", 304, null)]
    [TestCase("GET", 200, "0")]
    public async Task ResponseThatHasNoBody_IsTheLastPhase(string method, int status, string? length)
    {
        await using var agent = Agent(EventSet.RequestHeaders | EventSet.ResponseHeaders | EventSet.ResponseBodyChunk);
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x", method: method));
        var response = Events.Response("x", (ushort)status);
        if (length is not null)
        {
            response.Headers.Add("content-length", length);
        }

        await harness.Client.AskAsync(response);
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { Prefix + "inspected|none=1" }));
    }

    // Whoever keeps something for an exchange, or may be asked about a text of it, hears of it until there is no room.
    [TestCase(EventSet.RequestHeaders | EventSet.RequestComplete)]
    [TestCase(EventSet.RequestHeaders | EventSet.GuardrailInspect)]
    [TestCase(EventSet.RequestHeaders | EventSet.RequestBodyChunk)]
    public async Task FullDirectory_PushesOutTheOldestThatIsOver_AndRefusesNone(EventSet events)
    {
        await using var agent = Agent(events);
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { MaxExchanges = Most }, agent);
        for (var i = 0; i < 3 * Most; i++)
        {
            Assert.That((await harness.Client.AskAsync(Events.Request($"x{i}"))).Decision, Is.EqualTo(Decision.Allow), $"request {i}");
        }

        Assert.That((harness.Sums.Sum("exchanges"), harness.Sums.Sum("exchanges.open")), Is.EqualTo((2.0 * Most, 1.0 * Most)));
        Assert.That((await harness.Client.AskAsync(Events.Response("x0"))).Decision, Is.EqualTo(Decision.Allow), "nobody wanted it");
        Assert.That(harness.Sums.Of("exchanges"), Is.EqualTo(new[] { $"{Prefix}inspected|none={2 * Most}" }));
    }

    [Test]
    public async Task BodyOfOneThatMadeWay_IsNotTakenForUnwanted()
    {
        await using var agent = Agent(EventSet.RequestHeaders | EventSet.RequestBodyChunk);
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { MaxExchanges = 1 }, agent);
        await harness.Client.AskAsync(Events.Request("x"));
        await harness.Client.AskAsync(Events.Request("y"));
        var answer = await harness.Client.AskAsync(Events.RequestBody("x", "EVIL", last: true));

        Assert.That((answer.Decision, answer.Audit.ReasonCodes.Single()), Is.EqualTo((new BlockDecision(503), "exchange-unknown")));
    }

    [Test]
    public async Task BlockedRequest_MakesWay_AndNothingThatFollowsIsCovered()
    {
        await using var agent = new LambdaAgent("a") { Answers = static (_, _) => new(Answer.Block()) };
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { MaxExchanges = 1 }, agent);
        for (var i = 0; i < 5; i++)
        {
            Assert.That((await harness.Client.AskAsync(Events.Request($"x{i}"))).Decision, Is.EqualTo(new BlockDecision(403)));
        }

        Assert.That((await harness.Client.AskAsync(Events.Response("x0"))).Decision, Is.EqualTo(new BlockDecision(503)), "it was not let pass");
    }

    // A proxy that was not told to ask about what agents want.
    [TestCase(EventSet.RequestHeaders | EventSet.ResponseHeaders)]
    [TestCase(EventSet.All)]
    public async Task PhasesThatNoAskerEverTells_KeepNobodyOut_UntilOneDoes(EventSet events)
    {
        await using var agent = Agent(events);
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { MaxExchanges = Most }, agent);
        for (var i = 0; i < 3 * Most; i++)
        {
            var request = Events.Request($"x{i}", method: "POST");
            request.Headers.Add("content-length", "5");
            Assert.That((await harness.Client.AskAsync(request)).Decision, Is.EqualTo(Decision.Allow), $"request {i}");
        }

        Assert.That((await harness.Client.AskAsync(Events.Response("x0"))).Decision, Is.EqualTo(new BlockDecision(503)), "an agent wanted it, and its exchange has made way");
        Assert.That((await harness.Client.AskAsync(Events.Response($"x{(3 * Most) - 1}"))).Decision, Is.EqualTo(Decision.Allow));
        Assert.That(agent.Seen.OfType<ResponseHeadersEvent>().Count(), Is.EqualTo(1));
        for (var i = 0; i < Most; i++)
        {
            await harness.Client.AskAsync(Events.Request($"y{i}"));
        }

        var refused = await harness.Client.AskAsync(Events.Request("z"));
        Assert.That(refused.Audit.ReasonCodes, Is.EqualTo(new[] { "too-many-exchanges" }), "from now on responses are waited for");
    }

    [TestCase("POST", "content-length", "5")]
    [TestCase("POST", "transfer-encoding", "chunked")]
    [TestCase("GET", "upgrade", "websocket")]
    public async Task ExchangesThatAreNotOver_KeepTheirPlace(string method, string name, string value)
    {
        await using var agent = Agent(EventSet.RequestHeaders | EventSet.RequestBodyChunk | EventSet.WebSocketFrame);
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { MaxExchanges = 2 }, agent);
        foreach (var told in (AgentEvent[])[Events.Request("first", method: "POST"), Events.RequestBody("first", "body", last: true), Events.Frame("first", "frame"), Events.Complete("first")])
        {
            await harness.Client.AskAsync(told);
        }

        for (var i = 0; i < 2; i++)
        {
            var request = Events.Request($"x{i}", method: method);
            request.Headers.Add(name, value);
            await harness.Client.AskAsync(request);
        }

        var refused = await harness.Client.AskAsync(Events.Request("y"));
        Assert.That(refused.Audit.ReasonCodes, Is.EqualTo(new[] { "too-many-exchanges" }));
        var last = value == "websocket" ? Events.Frame("x0", "frame") : (AgentEvent)Events.RequestBody("x0", "EVIL!", last: true);
        await harness.Client.AskAsync(last);
        Assert.That(agent.Seen.Select(static seen => seen.Type), Has.Member(last.Type));
    }

    [Test]
    public async Task Ids_AreForgottenInTime()
    {
        var clock = new FakeTimeProvider();
        await using var agent = Agent(EventSet.RequestHeaders);
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Time = clock, Expiry = TimeSpan.FromSeconds(30) }, agent);
        await harness.Client.AskAsync(Events.Request("x"));
        clock.Advance(TimeSpan.FromSeconds(29));
        Assert.That((await harness.Client.AskAsync(Events.Response("x"))).Decision, Is.EqualTo(Decision.Allow));
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.That((await harness.Client.AskAsync(Events.Response("x"))).Decision, Is.EqualTo(new BlockDecision(503)));
    }

    // What the asker may still tell is answered here, not by a successor that knows nothing of it.
    [Test]
    public async Task Drain_WaitsForWhatMayStillBeTold()
    {
        await using var agent = Agent(EventSet.RequestHeaders);
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        var draining = harness.Listener.DrainAsync(CancellationToken.None);
        Assert.That(draining.IsCompleted, Is.False);
        Assert.That((await harness.Client.AskAsync(Events.Response("x"))).Decision, Is.EqualTo(Decision.Allow));
        await harness.Client.AskAsync(Events.Complete("x"));
        await draining.WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System);
    }

    private static LambdaAgent Agent(EventSet events) => new("a") { Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Events = events } };
}
