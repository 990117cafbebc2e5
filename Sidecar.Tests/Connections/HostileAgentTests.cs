using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections;

public sealed class HostileAgentTests
{
    [Test]
    public async Task BadAnswer_FailsExactlyItsCall()
    {
        await using var both = await ConnectedAgent.OpenAsync();
        var bad = both.Call(TestEvents.Headers(1));
        var good = both.Call(TestEvents.Headers(2));
        await both.Agent.AnswerBadlyAsync(TestEvents.Headers(1));
        await both.Agent.AnswerAsync(TestEvents.Id(2));
        Assert.That((await bad).Outcome, Is.EqualTo(CallOutcome.BadAnswer));
        Assert.That((await good).Outcome, Is.EqualTo(CallOutcome.Answered));
        Assert.That((both.Connection.Stats.InFlight, both.Connection.Stats.Owed), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task GarbageAnswer_IsCountedAndTheCallTimesOut()
    {
        await using var both = await ConnectedAgent.OpenAsync();
        var call = both.Call(TestEvents.Headers(1), 100);
        await both.Agent.AnswerGarbageAsync();
        await Eventually.TrueAsync(() => both.Connection.Stats.LateAnswers == 1, ScriptedAgent.Limit, "the garbage to be counted");
        Assert.That(call.IsCompleted, Is.False);
        both.Clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.That((await call).Outcome, Is.EqualTo(CallOutcome.TimedOut));
        Assert.That(both.Connection.IsOpen, Is.True);
    }

    [Test]
    public async Task AnswersForUnknownAndEmptyIdsAndTwice_AreDroppedAndCounted()
    {
        await using var both = await ConnectedAgent.OpenAsync();
        var call = both.Call(TestEvents.Headers(1));
        await both.Agent.AnswerAsync(TestEvents.Id(99));
        await both.Agent.AnswerAsync(default(CorrelationId));
        await both.Agent.AnswerAsync(CorrelationId.Parse("no-id-of-ours"));
        await both.Agent.AnswerAsync(TestEvents.Id(1));
        await both.Agent.AnswerAsync(TestEvents.Id(1));
        Assert.That((await call).IsAnswered, Is.True);
        await Eventually.TrueAsync(() => both.Connection.Stats.LateAnswers == 4, ScriptedAgent.Limit, "4 answers to be dropped");
        Assert.That((both.Connection.Stats.InFlight, both.Connection.Stats.Owed, both.Connection.IsOpen), Is.EqualTo((0, 0, true)));
    }

    [Test]
    public async Task MessagesOfItsOwn_ReachTheSink_AndUnknownFramesAreSkipped()
    {
        await using var both = await ConnectedAgent.OpenAsync();
        await both.Agent.SendAsync((MessageType)0x7F, "?"u8.ToArray());
        await both.Agent.SendAsync(MessageType.HandshakeResponse, "{}"u8.ToArray());
        await both.Agent.SendAsync(MessageType.HealthStatus, "no json"u8.ToArray());
        await both.Agent.SendHealthAsync(new HealthStatus { State = HealthState.Degraded });
        await both.Agent.SendFlowControlAsync(FlowAction.Pause);
        await Eventually.TrueAsync(() => both.Sink.Messages.Count == 2, ScriptedAgent.Limit, "two messages");
        Assert.That(both.Sink.Messages.ElementAt(0), Is.InstanceOf<HealthStatus>().With.Property("State").EqualTo(HealthState.Degraded));
        Assert.That(both.Sink.Messages.ElementAt(1), Is.InstanceOf<FlowControlSignal>().With.Property("Action").EqualTo(FlowAction.Pause));
        Assert.That(both.Connection.IsOpen, Is.True);
    }

    [TestCase("vanish", "ClosedByPeer")]
    [TestCase("half-close", "ClosedByPeer")]
    [TestCase("truncate", "TruncatedFrame")]
    [TestCase("too-long", "16777217")]
    [TestCase("zero", "length 0")]
    [TestCase("abort", "for a reason")]
    public async Task EndOfTheConnection_FailsAllCallsAtOnceWithOneCause(string how, string cause)
    {
        const int Calls = 50;
        await using var both = await ConnectedAgent.OpenAsync();
        var calls = Enumerable.Range(1, Calls).Select(i => both.Call(TestEvents.Headers(i))).ToArray();
        switch (how)
        {
            case "vanish":
                both.Agent.Vanish();
                break;
            case "half-close":
                both.Agent.HalfClose();
                break;
            case "truncate":
                await both.Agent.TruncateAsync();
                break;
            case "too-long":
                await both.Agent.AnnounceAsync(FrameLimits.MaxLength + 1);
                break;
            case "zero":
                await both.Agent.AnnounceAsync(0);
                break;
            default:
                both.Connection.Abort("for a reason");
                break;
        }

        // The clock stands still: no deadline helps.
        var results = await Task.WhenAll(calls).WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That(results.Select(result => result.Outcome), Is.All.EqualTo(CallOutcome.ConnectionLost));
        Assert.That(results.Select(result => result.Detail).Distinct().Single(), Does.Contain(cause));
        Assert.That(await both.Connection.Ended, Does.Contain(cause));
        Assert.That((both.Connection.IsOpen, both.Connection.Stats.InFlight), Is.EqualTo((false, 0)));
        await Eventually.TrueAsync(() => both.Clock.ActiveTimers == 0, ScriptedAgent.Limit, "the timers to be gone");
        Assert.That((await both.Call(TestEvents.Headers(99))).Outcome, Is.EqualTo(CallOutcome.ConnectionLost));
    }

    [Test]
    public async Task CallsWhileTheConnectionEnds_AllEnd([Range(1, 20)] int round)
    {
        await using var both = await ConnectedAgent.OpenAsync(pipes: new DuplexPipePair(System.IO.Pipelines.PipeScheduler.ThreadPool));
        var calls = Enumerable.Range(0, 4).Select(thread => Task.Run(async () =>
        {
            var outcomes = new List<CallOutcome>();
            for (var i = 1; i <= 40; i++)
            {
                outcomes.Add((await both.Call(TestEvents.Headers((thread * 1000) + i)).WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).Outcome);
            }

            return outcomes;
        })).ToArray();
        for (var i = 0; i < round; i++)
        {
            await both.Agent.AnswerAsync(await both.Agent.ReceiveEventAsync());
        }

        both.Agent.Vanish();
        var all = (await Task.WhenAll(calls)).SelectMany(outcomes => outcomes).ToList();
        Assert.That(all, Has.Count.EqualTo(160));
        Assert.That(all.Count(outcome => outcome == CallOutcome.ConnectionLost), Is.GreaterThanOrEqualTo(160 - round));
        Assert.That(both.Connection.Stats.InFlight, Is.Zero);
    }
}
