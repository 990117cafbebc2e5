using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>An agent that is taken out of service while exchanges are open (spec §9.7): drained first, and only what is left is cancelled.</summary>
public sealed class RetiringAgentTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Test]
    public async Task ItStaysForTheExchangesThatHaveIt_AndNewOnesGoWithoutIt()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Drain = Limit }, agent);
        await harness.Client.AskAsync(Events.Request("old", "/"));

        var retiring = harness.Daemon.Publisher.RemoveAsync("a", CancellationToken.None);
        await harness.Client.AskAsync(Events.Request("new", "/"));
        await harness.Client.AskAsync(Events.Response("new"));
        Assert.That(agent.Seen, Has.Count.EqualTo(1), "the new exchange goes without it");
        await harness.Client.AskAsync(Events.Response("old"));
        Assert.That(agent.Seen, Has.Count.EqualTo(2), "the old one keeps it");
        Assert.That((retiring.IsCompleted, harness.ConnectionsOf("a").Count), Is.EqualTo((false, 1)));

        await harness.Client.AskAsync(Events.Complete("old"));
        await retiring.WaitAsync(Limit, TimeProvider.System);
        await harness.Client.AskAsync(Events.Complete("new"));
        Assert.That(harness.ConnectionsOf("a"), Is.Empty);
        Assert.That(agent.Seen.OfType<RequestCompleteEvent>().Count(), Is.EqualTo(1), "it was told of the end before its connections were closed");
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|inspected|none=1", "native:native.sock|all|not-subject|none=1" }));
    }

    [Test]
    public async Task ACallThatOutlivesTheDrain_IsCancelledAtTheEnd_AndCountedAsShutdown()
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var agent = new LambdaAgent("a")
        {
            Answers = async (_, cancellation) =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancelled.TrySetResult();
                return AgentResponse.Allow;
            },
        };
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Drain = Limit }, agent);
        var asking = harness.Client.AskAsync(Events.Request("x", "/"));
        await agent.SeenAsync(1);

        using var abort = new CancellationTokenSource();
        var retiring = harness.Daemon.Publisher.RemoveAsync("a", abort.Token);
        Assert.That((retiring.IsCompleted, asking.IsCompleted, cancelled.Task.IsCompleted), Is.EqualTo((false, false, false)), "it drains first");
        await abort.CancelAsync();
        await cancelled.Task.WaitAsync(Limit, TimeProvider.System, CancellationToken.None);
        var refused = await asking;
        await retiring.WaitAsync(Limit, TimeProvider.System, CancellationToken.None);

        Assert.That(refused.Decision, Is.EqualTo(new BlockDecision(503)));
        Assert.That(refused.Audit.ReasonCodes, Is.EqualTo(new[] { "a:shutdown" }));
        await harness.Client.AskAsync(Events.Complete("x"));
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|refused|shutdown=1" }));
    }

    [Test]
    public async Task WithoutExchanges_ItIsGoneAtOnce_HoweverOftenItIsAsked()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Drain = Limit }, agent);
        var version = harness.StateOf("a").Current;
        await Task.WhenAll(version.RetireAsync(TimeProvider.System, CancellationToken.None), version.RetireAsync(TimeProvider.System, CancellationToken.None))
            .WaitAsync(Limit, TimeProvider.System);
        Assert.That((version.TryJoin(), version.OpenExchanges, version.Pool.Live.Count), Is.EqualTo((false, 0, 0)));
    }
}
