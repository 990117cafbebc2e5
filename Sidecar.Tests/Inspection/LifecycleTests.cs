using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>Every way an exchange ends: once, accounted, its agents told.</summary>
public sealed class LifecycleTests
{
    private const string Prefix = "native:native.sock|all|";

    [Test]
    public async Task SecondRequestUnderAnOpenId_SupersedesTheFirst()
    {
        await using var agent = HangingOn("/first");
        await using var harness = await InspectionHarness.StartAsync(agent);
        var other = await harness.ConnectAsync();
        var first = harness.Client.AskAsync(Events.Request("x", "/first"));
        await agent.SeenAsync(1);

        var second = await other.AskAsync(Events.Request("x", "/second"));
        var refused = await first;
        await other.AskAsync(Events.Complete("x"));

        Assert.That(second, Is.SameAs(AgentResponse.Allow));
        Assert.That(refused.Decision, Is.EqualTo(new BlockDecision(503)), "nobody judged it");
        Assert.That(refused.Audit.ReasonCodes, Is.EqualTo(new[] { "a:superseded" }));
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { Prefix + "abandoned|superseded=1", Prefix + "inspected|none=1" }));
        Assert.That(harness.Sums.Of("agent.exchanges"), Is.EqualTo(new[] { "a|request|abandoned|superseded=1", "a|request|inspected|none=1" }));
        Assert.That(harness.Sums.Sum("exchanges.open"), Is.Zero);
    }

    [Test]
    public async Task ClientThatCancels_EndsTheAgentsCallAndLaterEventsStillCount()
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var agent = HangingOn("/first", cancelled);
        await using var harness = await InspectionHarness.StartAsync(agent);
        var message = Events.Request("x", "/first");
        var asking = harness.Client.CallAsync(message);
        await agent.SeenAsync(1);

        harness.Client.Connection.Cancel(message.CorrelationId, CancelReason.ClientDisconnect);
        await asking;
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        await Eventually.TrueAsync(() => harness.Client.Connection.Stats.Owed == 0, TimeSpan.FromSeconds(30), "the answer to the cancelled call");
        await Eventually.TrueAsync(() => harness.ConnectionsOf("a")[0].Connection.Stats.Owed == 0, TimeSpan.FromSeconds(30), "the agent's owed answer");
        var response = await harness.Client.AskAsync(Events.Response("x"));
        await harness.Client.AskAsync(Events.Complete("x"));

        Assert.That(response, Is.SameAs(AgentResponse.Allow), "a cancelled call does not condemn the exchange");
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { Prefix + "abandoned|client-gone=1" }));
        Assert.That(harness.Sums.Of("agent.exchanges"), Is.EqualTo(new[] { "a|request|abandoned|client-gone=1", "a|response|inspected|none=1" }));
    }

    [Test]
    public async Task ClientThatGoesAway_AbandonsWhatItWaitedFor()
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var agent = HangingOn("/first", cancelled);
        await using var harness = await InspectionHarness.StartAsync(agent);
        var other = await harness.ConnectAsync();
        var asking = other.CallAsync(Events.Request("x", "/first"));
        await agent.SeenAsync(1);

        await other.DisposeAsync();
        await asking;
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        await harness.Client.AskAsync(Events.Complete("x"));

        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { Prefix + "abandoned|client-gone=1" }));
    }

    [Test]
    public async Task ClientThatVanishesBetweenItsEvents_LeavesNoExchangeOpen()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await InspectionHarness.StartAsync(agent);
        var other = await harness.ConnectAsync();
        for (var i = 0; i < 64; i++)
        {
            await other.AskAsync(Events.Request($"gone-{i}"));
        }

        await harness.Client.AskAsync(Events.Request("stays"));
        await other.AskAsync(Events.Request("moves"));
        await harness.Client.AskAsync(Events.Response("moves"));
        await other.DisposeAsync();

        await Eventually.TrueAsync(() => harness.Sums.Sum("exchanges.open") == 2, TimeSpan.FromSeconds(60), "the end of what the client left behind");
        Assert.That(harness.Sums.Of("exchanges"), Is.EqualTo(new[] { Prefix + "abandoned|client-gone=64" }));
        await harness.Client.AskAsync(Events.Complete("stays"));
        await harness.Client.AskAsync(Events.Complete("moves"));
        Assert.That(await harness.EndedAsync(), Does.Contain(Prefix + "inspected|none=2"), "what another connection goes on with goes on");
        await Eventually.TrueAsync(() => agent.Seen.OfType<RequestCompleteEvent>().Count() == 66, TimeSpan.FromSeconds(60), "the agent is told of every end");
    }

    [Test]
    public async Task CompleteWhileAnEventIsInspected_IsAccountedAndToldAfterIt()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var agent = new LambdaAgent("a");
        agent.Answers = async (message, _) =>
        {
            if (message is ResponseHeadersEvent)
            {
                await turn.Task;
            }

            return AgentResponse.Allow;
        };
        await using var harness = await InspectionHarness.StartAsync(agent);
        var other = await harness.ConnectAsync();
        await harness.Client.AskAsync(Events.Request("x"));
        var response = harness.Client.AskAsync(Events.Response("x"));
        await agent.SeenAsync(2);
        await other.AskAsync(Events.Complete("x"));
        Assert.That(harness.Sums.Sum("exchanges"), Is.Zero, "its last outcome is not known yet");

        turn.SetResult();
        await response;
        await agent.SeenAsync(3);

        Assert.That(agent.Seen[2], Is.TypeOf<RequestCompleteEvent>());
        Assert.That(harness.Sums.Of("agent.exchanges"), Is.EqualTo(new[] { "a|request|inspected|none=1", "a|response|inspected|none=1" }));
        Assert.That(harness.Sums.Sum("exchanges"), Is.EqualTo(1));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task EventOfAnUnknownExchange_FollowsTheListener(bool open)
    {
        var options = new HarnessOptions { UnknownExchange = open ? FailureMode.Open : FailureMode.Closed };
        await using var agent = new LambdaAgent("a");
        await using var harness = await InspectionHarness.StartAsync(options, agent);
        AgentEvent[] unknown = [Events.RequestBody("x", "b"), Events.Response("x"), Events.ResponseBody("x", "b"), Events.Frame("x", "f")];
        foreach (var message in unknown)
        {
            Assert.That((await harness.Client.AskAsync(message)).Decision, Is.EqualTo(open ? Decision.Allow : new BlockDecision(503)));
        }

        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { $"native:native.sock|none|{(open ? "bypassed" : "refused")}|exchange-unknown=4" }));
        Assert.That(agent.Seen, Is.Empty);
    }

    [Test]
    public async Task FullDirectory_RefusesTheNextAndTakesItWhenThereIsRoom()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { MaxExchanges = 1 }, agent);
        foreach (var told in (AgentEvent[])[Events.Request("zero"), Events.Response("zero"), Events.Complete("zero"), Events.Request("one")])
        {
            await harness.Client.AskAsync(told);
        }

        var refused = await harness.Client.AskAsync(Events.Request("two"));
        await harness.Client.AskAsync(Events.Complete("one"));
        var taken = await harness.Client.AskAsync(Events.Request("two"));

        Assert.That((refused.Decision, refused.Audit.ReasonCodes.Single()), Is.EqualTo(((Decision)new BlockDecision(503), "too-many-exchanges")));
        Assert.That(taken, Is.SameAs(AgentResponse.Allow));
        Assert.That(harness.Sums.Of("exchanges"), Is.EqualTo(new[] { Prefix + "inspected|none=2", Prefix + "refused|too-many-exchanges=1" }));
    }

    [Test]
    public async Task StopOfTheListener_AccountsForEveryExchange()
    {
        await using var agent = HangingOn("/first");
        var clock = new FakeTimeProvider();
        await using var harness = await InspectionHarness.StartAsync(
            new HarnessOptions { Time = clock, Budget = TimeSpan.FromHours(1), Expiry = TimeSpan.FromHours(1) }, agent);
        await harness.Client.AskAsync(Events.Request("idle"));
        var busy = harness.Client.CallAsync(Events.Request("busy", "/first"));
        await agent.SeenAsync(2);
        var stopping = harness.StopListenerAsync();
        await Eventually.TrueAsync(clock, TimeSpan.FromSeconds(1), () => stopping.IsCompleted, "the stop");
        await stopping;
        await busy;

        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { Prefix + "abandoned|shutdown=1", Prefix + "inspected|none=1" }));
        Assert.That(harness.Sums.Sum("exchanges.open"), Is.Zero);
    }

    [Test]
    public async Task Expiry_ComesAtItsTickAndTellsTheAgent()
    {
        var clock = new FakeTimeProvider();
        await using var agent = new LambdaAgent("a");
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Time = clock, Expiry = TimeSpan.FromSeconds(30) }, agent);
        await harness.Client.AskAsync(Events.Request("x"));

        clock.Advance(TimeSpan.FromSeconds(30) - TimeSpan.FromTicks(1));
        Assert.That(harness.Sums.Sum("exchanges"), Is.Zero);
        clock.AdvanceTicks(1);
        Assert.That(harness.Sums.Of("exchanges"), Is.EqualTo(new[] { Prefix + "inspected|none=1" }));
        await agent.SeenAsync(2);
        Assert.That(agent.Seen[1], Is.TypeOf<RequestCompleteEvent>().With.Property(nameof(RequestCompleteEvent.DurationMs)).EqualTo(30_000));
    }

    [Test]
    public async Task BothDirectionsAtOnce_ReachAnAgentOneByOne()
    {
        var inside = 0;
        var most = 0;
        await using var agent = new LambdaAgent("a");
        agent.Answers = async (_, _) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref inside));
            await Task.Yield();
            Interlocked.Decrement(ref inside);
            return AgentResponse.Allow;
        };
        await using var harness = await InspectionHarness.StartAsync(agent);
        var other = await harness.ConnectAsync();
        await harness.Client.AskAsync(Events.Request("x"));

        async Task Send(NativeClient client, bool fromClient)
        {
            for (var i = 0; i < 50; i++)
            {
                Assert.That(await client.AskAsync(Events.Frame("x", $"{fromClient}", fromClient, (ulong)i)), Is.SameAs(AgentResponse.Allow));
            }
        }

        await Task.WhenAll(Send(harness.Client, true), Send(other, false));
        await other.AskAsync(Events.Complete("x"));
        await harness.EndedAsync();

        Assert.That(most, Is.EqualTo(1));
        foreach (var direction in new[] { true, false })
        {
            Assert.That(
                agent.Seen.OfType<WebSocketFrameEvent>().Where(frame => frame.ClientToServer == direction).Select(static frame => frame.FrameIndex),
                Is.EqualTo(Enumerable.Range(0, 50).Select(static i => (ulong)i)));
        }

        Assert.That(harness.Sums.Of("agent.exchanges"), Is.EqualTo(new[] { "a|request|inspected|none=1", "a|response|inspected|none=1" }));
    }

    // Its own time is long, so that only the daemon's ends a call.
    private static LambdaAgent HangingOn(string uri, TaskCompletionSource? cancelled = null) => new("a")
    {
        Policy = LambdaAgent.PolicyOf(FailureMode.Closed, TimeSpan.FromHours(1)),
        Answers = async (message, token) =>
        {
            if (message is RequestHeadersEvent headers && headers.Uri == uri)
            {
                await using var registration = token.Register(() => cancelled?.TrySetResult());
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
            }

            return AgentResponse.Allow;
        },
    };
}
