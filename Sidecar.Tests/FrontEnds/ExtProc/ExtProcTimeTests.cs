using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.FrontEnds.ExtProc;

/// <summary>The budget of a message, and more time when an agent is slow.</summary>
internal sealed class ExtProcTimeTests
{
    private static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(160);
    private static readonly TimeSpan More = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _clock = new();

    [TestCase(FailureMode.Open, null, "bypassed|timeout")]
    [TestCase(FailureMode.Closed, 504, "refused|timeout")]
    public async Task SlowAgent_HasTheBudgetAndNoMore(FailureMode mode, int? status, string account)
    {
        await using var agent = Hanging(mode);
        await using var rig = await StartAsync(TimeSpan.Zero, agent);
        await rig.TellAsync(Messages.Request(last: true));
        await agent.SeenAsync(1);
        var answer = rig.NextAsync();
        _clock.Advance(Budget - TimeSpan.FromTicks(1));
        Assert.That(answer.IsCompleted, Is.False);
        _clock.AdvanceTicks(1);

        Assert.That((await answer).ImmediateResponse?.Status.Code, Is.EqualTo(status));
        Assert.That(await rig.AccountAsync(), Is.EqualTo(account));
    }

    [TestCase(BodySendMode.Buffered)]
    [TestCase(BodySendMode.Streamed)]
    public async Task MoreTime_IsAskedForOnceBeforeEnvoyGivesUp(BodySendMode mode)
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var agent = new LambdaAgent("a") { Policy = LambdaAgent.PolicyOf(FailureMode.Closed, TimeSpan.FromHours(1)) };
        agent.Answers = async (message, _) =>
        {
            if (message is RequestBodyChunkEvent)
            {
                await turn.Task;
            }

            return AgentResponse.Allow;
        };
        await using var rig = await StartAsync(More, agent);
        await rig.AskAsync(Messages.Request(request: mode));
        await rig.TellAsync(Messages.Body(Direction.Request, "body", last: true));
        await agent.SeenAsync(2);
        await PatientAsync();
        var next = rig.NextAsync();
        _clock.Advance(Budget - TimeSpan.FromTicks(1));
        Assert.That(next.IsCompleted, Is.False);
        _clock.AdvanceTicks(1);
        var asked = await next;
        _clock.Advance(More * 0.7);
        turn.SetResult();

        Assert.That(asked.OverrideMessageTimeout.ToTimeSpan(), Is.EqualTo(More));
        Assert.That((await rig.NextAsync()).RequestBody, Is.Not.Null, "the real answer follows");
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"));
    }

    [Test]
    public async Task MoreTime_EndsToo()
    {
        await using var agent = Hanging(FailureMode.Closed);
        await using var rig = await StartAsync(More, agent);
        await rig.TellAsync(Messages.Request(last: true));
        await agent.SeenAsync(1);
        await PatientAsync();
        _clock.Advance(Budget);
        Assert.That((await rig.NextAsync()).OverrideMessageTimeout, Is.Not.Null);
        var answer = rig.NextAsync();
        _clock.Advance((More * 0.8) - TimeSpan.FromTicks(1));
        Assert.That(answer.IsCompleted, Is.False);
        _clock.AdvanceTicks(1);

        Assert.That((await answer).ImmediateResponse.Status.Code, Is.EqualTo(504));
    }

    [TestCase(BodySendMode.Streamed, false, TestName = "A piece that others follow: each starts Envoy's timer anew")]
    [TestCase(BodySendMode.FullDuplexStreamed, true, TestName = "Full duplex: there is no timer")]
    public async Task MoreTime_IsNotAskedFor(BodySendMode mode, bool last)
    {
        await using var agent = new LambdaAgent("a") { Policy = LambdaAgent.PolicyOf(FailureMode.Closed, TimeSpan.FromHours(1)) };
        agent.Answers = static async (message, cancellation) =>
        {
            if (message is RequestBodyChunkEvent)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
            }

            return AgentResponse.Allow;
        };
        await using var rig = await StartAsync(More, agent);
        await rig.AskAsync(Messages.Request(request: mode));
        await rig.TellAsync(Messages.Body(Direction.Request, "body", last));
        await agent.SeenAsync(2);
        _clock.Advance(Budget);

        Assert.That((await rig.NextAsync()).ImmediateResponse.Status.Code, Is.EqualTo(504));
    }

    // The timer that asks for more time is made after the agent was asked.
    private Task PatientAsync() => Eventually.TrueAsync(() => _clock.HasTimerIn(Budget), TimeSpan.FromSeconds(30), "the timer of Envoy's patience");

    private Task<ExtProcRig> StartAsync(TimeSpan more, LambdaAgent agent) =>
        ExtProcRig.StartAsync(new EnvoyFilterOptions { Name = "envoy", Budget = Budget, MaxMessageTimeout = more }, new HarnessOptions { Time = _clock }, agent);

    private static LambdaAgent Hanging(FailureMode mode) => new("a")
    {
        Policy = LambdaAgent.PolicyOf(mode, TimeSpan.FromHours(1)),
        Answers = static async (message, cancellation) =>
        {
            if (message is RequestHeadersEvent)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
            }

            return AgentResponse.Allow;
        },
    };
}
