using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections;

/// <summary>An agent that does not read: the write buffer fills, and its calls end one by one without harm to others.</summary>
[TestFixture(ProtocolConstants.Json)]
[TestFixture(ConnectedAgent.Protobuf)]
public sealed class StalledAgentTests(string wire)
{
    private const int Big = 700_000;

    [Test]
    public async Task FullBuffer_NoRoomAtTheDeadline_AndNothingOwed()
    {
        await using var both = await StalledAsync();
        var early = both.Call(TestEvents.Headers(10), 200);
        var waiting = both.Call(TestEvents.Chunk(11, size: Big), 300);
        Assert.That(both.Connection.Stats.InFlight, Is.EqualTo(4), "a call that waits for room has its slot");
        both.Clock.AdvanceTicks(TimeSpan.FromMilliseconds(300).Ticks - 1);
        Assert.That((await early).Outcome, Is.EqualTo(CallOutcome.TimedOut));
        Assert.That((both.Connection.Stats.Owed, both.Connection.Stats.InFlight), Is.EqualTo((1, 4)), "a tick before");
        both.Clock.AdvanceTicks(1);
        var result = await waiting;
        Assert.That(result.Outcome, Is.EqualTo(CallOutcome.NoRoom));
        Assert.That(result.Detail, Does.Contain("does not read"));
        Assert.That((both.Connection.Stats.Owed, both.Connection.Stats.InFlight), Is.EqualTo((1, 3)), "only the call that was sent is owed");
        Assert.That(both.Connection.IsOpen, Is.True);
    }

    [Test]
    public async Task RoomAgain_TheWaitingCallIsSentAndAnswered()
    {
        await using var both = await StalledAsync();
        var waiting = both.Call(TestEvents.Chunk(11, size: Big));
        both.Agent.AutoAnswer = _ => AgentResponse.Allow;
        both.Agent.GoOnReading();
        Assert.That((await waiting.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).IsAnswered, Is.True);
        await Eventually.TrueAsync(() => both.Connection.Stats.InFlight == 0, ScriptedAgent.Limit, "every call to be answered");
    }

    [Test]
    public async Task WhoComesLater_DoesNotGoFirst_ThoughItWouldFit()
    {
        await using var both = await StalledAsync();
        var calls = new[] { both.Call(TestEvents.Chunk(11, size: Big)), both.Call(TestEvents.Headers(12)), both.Call(TestEvents.Chunk(13, size: Big)),
            both.Call(TestEvents.Headers(14)) };
        both.Connection.Cancel(TestEvents.Id(13), CancelReason.ClientDisconnect);
        var seen = new System.Collections.Concurrent.ConcurrentQueue<CorrelationId>();
        both.Agent.AutoAnswer = message =>
        {
            seen.Enqueue(message.CorrelationId);
            return AgentResponse.Allow;
        };
        both.Agent.GoOnReading();
        await Task.WhenAll(calls).WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That(seen.Except([TestEvents.Id(1), TestEvents.Id(2)]), Is.EqualTo(new[] { TestEvents.Id(11), TestEvents.Id(12), TestEvents.Id(14) }));
    }

    [Test]
    public async Task CancelWhileWaitingForRoom_EndsAtOnceAndIsNeverSent()
    {
        await using var both = await StalledAsync();
        var waiting = both.Call(TestEvents.Chunk(11, size: Big));
        both.Connection.Cancel(TestEvents.Id(11), CancelReason.BlockedByAgent);
        Assert.That((await waiting).Outcome, Is.EqualTo(CallOutcome.Cancelled));
        Assert.That(both.Connection.Stats.Owed, Is.Zero);
        var seen = new System.Collections.Concurrent.ConcurrentQueue<AgentEvent>();
        both.Agent.AutoAnswer = message =>
        {
            seen.Enqueue(message);
            return AgentResponse.Allow;
        };
        both.Agent.GoOnReading();
        await Eventually.TrueAsync(() => both.Connection.Stats.InFlight == 0, ScriptedAgent.Limit, "the others to be answered");
        Assert.That((await both.Call(TestEvents.Headers(12)).WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).IsAnswered, Is.True);
        Assert.That(seen.Select(message => message.CorrelationId), Does.Not.Contain(TestEvents.Id(11)));
    }

    [Test]
    public async Task EndWhileWaitingForRoom_IsConnectionLost()
    {
        await using var both = await StalledAsync();
        var waiting = both.Call(TestEvents.Chunk(11, size: Big));
        both.Connection.Abort("enough");
        Assert.That((await waiting.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).Outcome, Is.EqualTo(CallOutcome.ConnectionLost));
    }

    [Test]
    public async Task HalfClosedWithoutReading_EveryCallIsLostAtOnce()
    {
        await using var both = await StalledAsync();
        var waiting = both.Call(TestEvents.Chunk(11, size: Big));
        both.Agent.HalfClose();
        Assert.That((await waiting.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).Outcome, Is.EqualTo(CallOutcome.ConnectionLost));
        Assert.That((both.Connection.IsOpen, both.Connection.Stats.InFlight), Is.EqualTo((false, 0)));
    }

    [Test]
    public async Task AnswerToACallNotYetSent_IsForNobody()
    {
        await using var both = await StalledAsync();
        var waiting = both.Call(TestEvents.Chunk(11, size: Big));
        await both.Agent.AnswerAsync(TestEvents.Id(11));
        await Eventually.TrueAsync(() => both.Connection.Stats.LateAnswers == 1, ScriptedAgent.Limit, "the answer to be dropped");
        Assert.That(waiting.IsCompleted, Is.False);
    }

    // Two large chunks: the first is being flushed, the second fills the buffer.
    private async Task<ConnectedAgent> StalledAsync()
    {
        var both = await ConnectedAgent.OpenAsync(encoding: wire);
        var stalled = both.Agent.StopReading();
        _ = both.Call(TestEvents.Chunk(1, size: Big), 60_000);
        await stalled;
        _ = both.Call(TestEvents.Chunk(2, size: Big), 60_000);
        return both;
    }
}
