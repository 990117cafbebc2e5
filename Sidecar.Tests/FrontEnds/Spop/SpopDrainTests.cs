using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>A stop means no new exchanges; those that have begun are asked about to their end, also on a connection that is told goodbye.</summary>
internal sealed class SpopDrainTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Test]
    public async Task NewExchangeAtADaemonThatStops_IsRefusedAndCounted_AndAResponseIsStillInspected()
    {
        await using var harness = await SpopHarness.StartAsync(new LambdaAgent("a"));
        var peer = await harness.GreetAsync();
        await peer.AskAsync(SpopAsk.Request("old"));
        harness.FrontEnd.RefusesNew = true;
        var drained = harness.FrontEnd.WhenEmptyAsync(CancellationToken.None);

        var refused = await peer.AskAsync(SpopAsk.Request("new"));
        Assert.That((refused["act"], refused["cause"]), Is.EqualTo(((object)"failed-closed", (object)"shutting-down")));
        Assert.That(drained.IsCompleted, Is.False);
        Assert.That((await peer.AskAsync(SpopAsk.Response("old")))["ract"], Is.EqualTo("allow"));

        await drained.WaitAsync(Limit, TimeProvider.System, CancellationToken.None);
        Assert.That(await harness.Inspection.EndedAsync(), Is.EqualTo(new[] { "spop:test|all|inspected|none=1", "spop:test|all|refused|shutting-down=1" }));
        Assert.That(harness.Inspection.Sums.Of("agent.exchanges"), Does.Contain("a|request|refused|shutting-down=1"));
    }

    [Test]
    public async Task NewExchangeAtADaemonThatStops_FollowsTheFailureModeOfEveryAgent()
    {
        var open = new LambdaAgent("a") { Policy = LambdaAgent.PolicyOf(FailureMode.Open) };
        await using var harness = await SpopHarness.StartAsync(open);
        var peer = await harness.GreetAsync();
        harness.FrontEnd.RefusesNew = true;

        var passed = await peer.AskAsync(SpopAsk.Request("new", body: "body"u8.ToArray()));

        Assert.That((passed["act"], passed["cause"]), Is.EqualTo(((object)"allow", (object)"shutting-down")));
        Assert.That(passed.Keys, Does.Not.Contain("res"));
        Assert.That(open.Seen, Is.Empty);
        Assert.That(await harness.Inspection.EndedAsync(), Is.EqualTo(new[] { "spop:test|all|bypassed|shutting-down=1" }));
    }

    [Test]
    public async Task WaitForTheLastExchange_EndsWithItsTime()
    {
        await using var harness = await SpopHarness.StartAsync(new LambdaAgent("a"));
        var peer = await harness.GreetAsync();
        await peer.AskAsync(SpopAsk.Request("old"));
        using var timeIsUp = new CancellationTokenSource();
        var drained = harness.FrontEnd.WhenEmptyAsync(timeIsUp.Token);

        await timeIsUp.CancelAsync();
        await drained.WaitAsync(Limit, TimeProvider.System, CancellationToken.None);
        harness.FrontEnd.Dispose();

        Assert.That(await harness.Inspection.EndedAsync(), Is.EqualTo(new[] { "spop:test|all|abandoned|shutdown=1" }), "its response will pass unseen");
    }

    [Test]
    public async Task Goodbye_IsNotSaidOverAQuestion_AndOneThatCrossesItIsAnswered()
    {
        var turn = new TaskCompletionSource();
        await using var agent = new LambdaAgent("a");
        agent.Answers = async (_, _) =>
        {
            await turn.Task.WaitAsync(Limit, TimeProvider.System, CancellationToken.None);
            return Protocol.Messages.AgentResponse.Allow;
        };
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();
        await peer.SendAsync(SpopAsk.Request("first"));
        await agent.SeenAsync(1);

        peer.Connection.Leave(TimeSpan.Zero);
        turn.SetResult();
        Assert.That((await peer.AnswerAsync())["act"], Is.EqualTo("allow"), "first the answer");
        var goodbye = await peer.ReceiveAsync();
        Assert.That((goodbye?.Type, goodbye?.Items["status-code"]), Is.EqualTo((SpopAgentFrame.Disconnect, (object)(uint)SpopStatus.Normal)));

        Assert.That((await peer.AskAsync(SpopAsk.Response("first")))["ract"], Is.EqualTo("allow"), "HAProxy had not read the goodbye");
        await peer.CloseAsync();
        await peer.EndAsync();
        Assert.That(peer.Connection.End.Reason, Is.EqualTo("stopped"));
        Assert.That(await harness.Inspection.EndedAsync(), Is.EqualTo(new[] { "spop:test|all|abandoned|client-gone=1" }), "an answer behind a goodbye is not read");
    }

    [Test]
    public async Task Goodbye_IsNotSaidTogetherWithAnAnswer()
    {
        var time = new FakeTimeProvider();
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, new HarnessOptions { Time = time }, new LambdaAgent("a"));
        var peer = await harness.GreetAsync();
        await peer.AskAsync(SpopAsk.Request());
        await Eventually.TrueAsync(() => peer.Connection.InFlight == 0, Limit, "the end of the answer");

        peer.Connection.Leave(TimeSpan.FromMilliseconds(10));
        Assert.That((await peer.AskAsync(SpopAsk.Response()))["ract"], Is.EqualTo("allow"), "no goodbye came before this answer");
        await Eventually.TrueAsync(() => peer.Connection.InFlight == 0, Limit, "the end of the answer");
        time.Advance(TimeSpan.FromMilliseconds(10));
        peer.Connection.Leave(TimeSpan.FromMilliseconds(10));

        Assert.That((await peer.ReceiveAsync())?.Type, Is.EqualTo(SpopAgentFrame.Disconnect));
        Assert.That(await harness.Inspection.EndedAsync(), Is.EqualTo(new[] { "spop:test|all|inspected|none=1" }));
    }

    [Test]
    public async Task PeerThatDoesNotCloseAfterTheGoodbye_IsNotWaitedForForEver()
    {
        var time = new FakeTimeProvider();
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, new HarnessOptions { Time = time }, new LambdaAgent("a"));
        var peer = await harness.GreetAsync();
        peer.Connection.Leave(TimeSpan.Zero);
        Assert.That((await peer.ReceiveAsync())?.Type, Is.EqualTo(SpopAgentFrame.Disconnect));

        time.Advance(harness.Options.LeaveTimeout);
        peer.Connection.Look();

        await peer.EndAsync();
        Assert.That(await peer.ReceiveAsync(), Is.Null, "it is said once");
    }
}
