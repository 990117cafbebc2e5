using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections.Calls;

/// <summary>Rule 6: an answer names the exchange, not the call, so a late one must never be taken for the next call's.</summary>
[TestFixture(ProtocolConstants.Json)]
[TestFixture(ConnectedAgent.Protobuf)]
public sealed class OwedAnswerTests(string wire)
{
    private static readonly AgentResponse Block = new() { Decision = new BlockDecision() };

    [Test]
    public async Task Complete_MayGoWhileOwed_AndItsAnswerIsTheSecond()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: wire);
        await TimeOutAsync(both, TestEvents.Chunk(1));
        var complete = both.Call(TestEvents.Complete(1));
        await both.Agent.ReceiveEventAsync<RequestCompleteEvent>();
        Assert.That((both.Connection.Stats.Owed, both.Connection.Stats.InFlight), Is.EqualTo((1, 2)));
        await both.Agent.AnswerAsync(TestEvents.Id(1), Block);
        await Eventually.TrueAsync(() => both.Connection.Stats.Owed == 0, ScriptedAgent.Limit, "the debt to be settled");
        Assert.That(complete.IsCompleted, Is.False, "the first answer was the late one");
        await both.Agent.AnswerAsync(TestEvents.Id(1));
        Assert.That((await complete).Response!.Decision, Is.InstanceOf<AllowDecision>());
        Assert.That(both.Connection.Stats.InFlight, Is.Zero);
    }

    [Test]
    public async Task BadLateAnswer_SettlesTheDebtToo()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: wire);
        await TimeOutAsync(both, TestEvents.Chunk(1));
        await both.Agent.AnswerBadlyAsync(TestEvents.Chunk(1));
        await Eventually.TrueAsync(() => both.Connection.Stats.LateAnswers == 1, ScriptedAgent.Limit, "the late answer to be counted");
        Assert.That(both.Connection.Stats.Owed, Is.Zero, "the debt is settled");
    }

    private static async Task TimeOutAsync(ConnectedAgent both, AgentEvent message)
    {
        var call = both.Call(message, 100);
        await both.Agent.ReceiveEventAsync();
        both.Clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.That((await call).Outcome, Is.EqualTo(CallOutcome.TimedOut));
        await both.Agent.ReceiveCancelAsync();
    }
}
