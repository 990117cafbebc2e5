using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>Every reason for which a call is no longer wanted reaches the agent, on the connection that holds the call and on no other (spec §6.6).</summary>
public sealed class CancelReasonTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [TestCase(CancelReason.ClientDisconnect, "client-gone")]
    [TestCase(CancelReason.Timeout, "timeout")]
    [TestCase(CancelReason.UpstreamError, "upstream-error")]
    [TestCase(CancelReason.Manual, "client-gone")]
    public async Task AskersReason_IsPassedOn(CancelReason reason, string cause)
    {
        await using var agent = Hanging("a");
        await using var harness = await StartAsync(agent);
        var request = Events.Request("x");
        var asking = harness.Client.CallAsync(request);
        await agent.SeenAsync(1);

        harness.Client.Connection.Cancel(request.CorrelationId, reason);
        await asking;
        await AssertCancelAsync(agent, reason);
        await Eventually.TrueAsync(() => harness.Client.Connection.Stats.Owed == 0, Limit, "the answer to the cancelled call");
        await harness.Client.AskAsync(Events.Complete("x"));

        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { $"native:native.sock|all|abandoned|{cause}=1" }));
    }

    [Test]
    public async Task AskerThatIsGone_IsAClientThatIsGone()
    {
        await using var agent = Hanging("a");
        await using var harness = await StartAsync(agent);
        var other = await harness.ConnectAsync();
        _ = other.CallAsync(Events.Request("x"));
        await agent.SeenAsync(1);

        other.Connection.Abort("crash");
        await AssertCancelAsync(agent, CancelReason.ClientDisconnect);
    }

    [Test]
    public async Task CallThatTakesTooLong_IsATimeout()
    {
        var clock = new FakeTimeProvider();
        await using var agent = Hanging("a", TimeSpan.FromMilliseconds(50));
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Connections = 3, Time = clock }, agent);
        var asking = harness.Client.AskAsync(Events.Request("x"));
        await agent.SeenAsync(1);
        clock.Advance(TimeSpan.FromMilliseconds(50));
        var answer = await asking;

        Assert.That(answer.Audit.ReasonCodes, Is.EqualTo(new[] { "a:timeout" }));
        await AssertCancelAsync(agent, CancelReason.Timeout);
    }

    [Test]
    public async Task BlockOfAnotherAgent_CancelsTheOthersOnly()
    {
        await using var slow = Hanging("slow");
        await using var quick = new LambdaAgent("quick")
        {
            Answers = async (_, _) =>
            {
                await slow.SeenAsync(1);
                return new AgentResponse { Decision = new BlockDecision() };
            },
        };
        await using var harness = await StartAsync(slow, quick);
        Assert.That((await harness.Client.AskAsync(Events.Request("x"))).Decision, Is.EqualTo(new BlockDecision()));

        await AssertCancelAsync(slow, CancelReason.BlockedByAgent);
        Assert.That(quick.Cancels, Is.Empty);
    }

    [Test]
    public async Task SecondRequestUnderTheSameId_IsManual()
    {
        await using var agent = Hanging("a");
        await using var harness = await StartAsync(agent);
        var other = await harness.ConnectAsync();
        var first = harness.Client.CallAsync(Events.Request("x"));
        await agent.SeenAsync(1);
        var second = other.CallAsync(Events.Request("x"));
        await first;

        await Eventually.TrueAsync(() => agent.Cancels.Count == 1, Limit, "the cancel");
        Assert.That(
            agent.Cancels[0].Request, Is.EqualTo(agent.Cancels[0].Request with { CorrelationId = agent.Seen[0].CorrelationId, Reason = CancelReason.Manual }));
        other.Connection.Abort("enough");
        await second;
    }

    [Test]
    public async Task ListenerThatStops_IsAShutdown()
    {
        var clock = new FakeTimeProvider();
        var hour = TimeSpan.FromHours(1);
        await using var agent = Hanging("a", hour);
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Connections = 3, Time = clock, Budget = hour, Expiry = hour }, agent);
        var asking = harness.Client.CallAsync(Events.Request("x"));
        await agent.SeenAsync(1);
        var stopping = harness.StopListenerAsync();
        await Eventually.TrueAsync(clock, TimeSpan.FromSeconds(1), () => stopping.IsCompleted, "the stop");
        await stopping;
        await asking;
        await AssertCancelAsync(agent, CancelReason.ProxyShutdown);
    }

    [Test]
    public async Task NothingOutstanding_NothingIsCancelled()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await StartAsync(agent);
        var request = Events.Request("x");
        await harness.Client.AskAsync(request);
        harness.Client.Connection.Cancel(request.CorrelationId, CancelReason.ClientDisconnect);
        await harness.Client.AskAsync(Events.Complete("x"));
        await agent.SeenAsync(2);
        Assert.That(agent.Cancels, Is.Empty);
    }

    private static LambdaAgent Hanging(string id, TimeSpan? timeout = null) => new(id)
    {
        Policy = LambdaAgent.PolicyOf(FailureMode.Closed, timeout),
        Answers = static async (message, token) =>
        {
            if (message is not RequestCompleteEvent)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
            }

            return AgentResponse.Allow;
        },
    };

    private static Task<InspectionHarness> StartAsync(params LambdaAgent[] agents) =>
        InspectionHarness.StartAsync(new HarnessOptions { Connections = 3 }, agents);

    // What came, and that it came where the event went.
    private static async Task AssertCancelAsync(LambdaAgent agent, CancelReason reason)
    {
        await Eventually.TrueAsync(() => agent.Cancels.Count > 0, Limit, "the cancel");
        var (request, connection) = agent.Cancels.Single();
        Assert.That((request.CorrelationId, request.Reason), Is.EqualTo((agent.Seen[0].CorrelationId, reason)));
        Assert.That(agent.ConnectionsOf(request.CorrelationId), Is.EqualTo(new[] { connection }));
    }
}
