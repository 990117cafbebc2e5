using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Agents;

public sealed class AgentSessionTests
{
    private static readonly CallResult Lost = CallResult.Failed(CallOutcome.ConnectionLost, "died");
    private static readonly CallResult Full = CallResult.Failed(CallOutcome.NoRoom, "full");

    private SessionRig _rig = null!;
    private FakeConnection _a = null!;
    private FakeConnection _b = null!;

    [SetUp]
    public void Prepare()
    {
        _rig = new SessionRig();
        _a = new FakeConnection("a");
        _b = new FakeConnection("b");
    }

    [TearDown]
    public async Task CleanUpAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Test]
    public async Task Lease_IsKeptForAllEvents()
    {
        await using var pool = await _rig.PoolAsync(_a, _b);
        var session = _rig.Session(pool);
        Assert.That(session.HasSeenExchange, Is.False);
        await _rig.AskAsync(session, TestEvents.Headers(1));
        _a.InFlight = _b.InFlight = 0;
        var leased = _a.Asked.IsEmpty ? _b : _a;
        leased.InFlight = 3;
        await _rig.AskAsync(session, TestEvents.Chunk(1));
        await _rig.AskAsync(session, TestEvents.Complete(1));
        Assert.That(leased.Asked, Has.Count.EqualTo(3));
        Assert.That(session.HasSeenExchange, Is.True);
        leased.InFlight = 0;
    }

    [Test]
    public async Task LeasedConnectionDead_LaterEventsAreLostAndNotMoved()
    {
        await using var pool = await _rig.PoolAsync(_a, _b);
        var session = _rig.Session(pool);
        await _rig.AskAsync(session, TestEvents.Headers(1));
        var (leased, other) = _a.Asked.IsEmpty ? (_b, _a) : (_a, _b);
        leased.Answer = _ => Lost;
        Assert.That((await _rig.AskAsync(session, TestEvents.Chunk(1))).Outcome, Is.EqualTo(CallOutcome.ConnectionLost));
        Assert.That((await _rig.AskAsync(session, TestEvents.Complete(1))).Outcome, Is.EqualTo(CallOutcome.ConnectionLost));
        Assert.That(other.Asked, Is.Empty);
    }

    [Test]
    public async Task HeadersLost_AreAskedOnceMoreOnAnotherConnection()
    {
        await using var pool = await _rig.PoolAsync(_a, _b);
        _a.Answer = _b.Answer = _ => Lost;
        var reply = await _rig.AskAsync(_rig.Session(pool), TestEvents.Headers(1));
        Assert.That((reply.Outcome, reply.IsRetry), Is.EqualTo((CallOutcome.ConnectionLost, true)));
        Assert.That((_a.Asked.Count, _b.Asked.Count), Is.EqualTo((1, 1)), "once");
    }

    [Test]
    public async Task HeadersLost_AreNotAskedAgain_WhenTooManyWere()
    {
        await using var pool = await _rig.PoolAsync(_a, _b);
        var budget = 0;
        while (pool.Admission.Retries.TryTake())
        {
            budget++;
        }

        _a.Answer = _b.Answer = _ => Lost;
        var reply = await _rig.AskAsync(_rig.Session(pool), TestEvents.Headers(1));
        Assert.That((budget, reply.Outcome, reply.IsRetry), Is.EqualTo((100, CallOutcome.ConnectionLost, false)));

        _rig.Clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.That((await _rig.AskAsync(_rig.Session(pool, exchange: 2), TestEvents.Headers(2))).IsRetry, Is.True, "ten a second");

        _a.Answer = _b.Answer = _ => CallResult.Answered(AgentResponse.Allow);
        for (var exchange = 3; exchange < 33; exchange++)
        {
            await _rig.AskAsync(_rig.Session(pool, exchange: exchange), TestEvents.Headers(exchange));
        }

        Assert.That(Enumerable.Range(0, 5).Count(_ => pool.Admission.Retries.TryTake()), Is.EqualTo(3), "a tenth of the calls");
    }

    [Test]
    public async Task HeadersLost_WhenNobodyWantsThemAnyMore_AreNotAskedAgain()
    {
        await using var pool = await _rig.PoolAsync(_a, _b);
        var answer = new TaskCompletionSource<CallResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        _a.AnswerLater = _b.AnswerLater = (_, _) => answer.Task;
        var session = _rig.Session(pool);
        var asking = _rig.AskAsync(session, TestEvents.Headers(1));
        session.Cancel(CancelReason.BlockedByAgent);
        answer.SetResult(Lost);
        var reply = await asking.WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That((reply.Outcome, reply.IsRetry, _a.Asked.Count + _b.Asked.Count), Is.EqualTo((CallOutcome.ConnectionLost, false, 1)));
    }

    [Test]
    public async Task HeadersLost_NoOtherConnection_NoRetry()
    {
        await using var pool = await _rig.PoolAsync(_a);
        _a.Answer = _ => Lost;
        var session = _rig.Session(pool);
        var reply = await _rig.AskAsync(session, TestEvents.Headers(1));
        Assert.That((reply.Outcome, reply.IsRetry), Is.EqualTo((CallOutcome.ConnectionLost, false)));
        _a.Answer = _ => CallResult.Answered(AgentResponse.Allow);
        Assert.That((await _rig.AskAsync(session, TestEvents.Complete(1))).Outcome, Is.EqualTo(CallOutcome.ConnectionLost), "the gate is open, but the agent knows nothing");
    }

    [Test]
    public async Task EventQueuedBehindLostHeaders_GoesAfterTheirRetry()
    {
        await using var pool = await _rig.PoolAsync(_a, _b);
        var answers = new Queue<TaskCompletionSource<CallResult>>();
        _a.AnswerLater = _b.AnswerLater = (_, _) =>
        {
            answers.Enqueue(new TaskCompletionSource<CallResult>());
            return answers.Peek().Task;
        };
        var session = _rig.Session(pool);
        var asking = _rig.AskAsync(session, TestEvents.Headers(1));
        var (failed, other) = _a.Asked.IsEmpty ? (_b, _a) : (_a, _b);
        var queued = _rig.AskAsync(session, TestEvents.Chunk(1));
        answers.Dequeue().SetResult(Lost);
        Assert.That((queued.IsCompleted, other.Asked.Count), Is.EqualTo((false, 1)), "the headers are asked again");
        (_a.AnswerLater, _b.AnswerLater) = (null, null);
        answers.Dequeue().SetResult(CallResult.Answered(AgentResponse.Allow));
        Assert.That((await asking).IsRetry, Is.True);
        Assert.That((await queued.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).IsAnswered, Is.True);
        Assert.That(other.Asked.Select(message => message.Type), Is.EqualTo(new[] { MessageType.RequestHeaders, MessageType.RequestBodyChunk }));
        Assert.That(failed.Asked, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task SecondEvent_WaitsForTheFirst_AndNoLongerThanItsDeadline()
    {
        await using var pool = await _rig.PoolAsync(_a);
        var answer = new TaskCompletionSource<CallResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        _a.AnswerLater = (_, _) => answer.Task;
        var session = _rig.Session(pool);
        var first = _rig.AskAsync(session, TestEvents.Headers(1));
        var second = _rig.AskAsync(session, TestEvents.Chunk(1), 50);
        _rig.Clock.AdvanceTicks(TimeSpan.FromMilliseconds(50).Ticks - 1);
        Assert.That(_a.Asked, Has.Count.EqualTo(1), "one call outstanding at a time");
        Assert.That(_rig.Clock.ArmedTimers, Is.EqualTo(2), "it still waits, beside the pool's watch");
        _rig.Clock.AdvanceTicks(1);
        Assert.That((await second).Outcome, Is.EqualTo(CallOutcome.TimedOut));
        Assert.That(_a.Asked, Has.Count.EqualTo(1), "it was never sent");
        answer.SetResult(CallResult.Answered(AgentResponse.Allow));
        await first;
        Assert.That((await _rig.AskAsync(session, TestEvents.Complete(1))).IsAnswered, Is.True, "the gate is open");
    }

    [TestCase(50, 50)]
    [TestCase(5000, 120)]
    public async Task Deadline_IsThePhasesOrTheAgentsCeiling(int phase, int expected)
    {
        await using var pool = await _rig.PoolAsync(_a);
        var seen = 0L;
        _a.AnswerLater = (_, deadline) =>
        {
            seen = deadline;
            return Task.FromResult(CallResult.Answered(AgentResponse.Allow));
        };
        await _rig.AskAsync(_rig.Session(pool), TestEvents.Headers(1), phase);
        Assert.That(seen, Is.EqualTo(_rig.In(expected)));
    }

    [Test]
    public async Task SlotLostBetweenChoiceAndCall_TheNextConnectionIsTried()
    {
        await using var pool = await _rig.PoolAsync(_a, _b);
        foreach (var connection in new[] { _a, _b })
        {
            connection.Answer = _ =>
            {
                // Somebody else was faster on the first; the other takes the call.
                connection.InFlight = 4;
                return (_a.InFlight, _b.InFlight) == (4, 4) ? CallResult.Answered(AgentResponse.Allow) : Full;
            };
        }

        var session = _rig.Session(pool);
        Assert.That((await _rig.AskAsync(session, TestEvents.Headers(1))).IsAnswered, Is.True);
        _a.InFlight = _b.InFlight = 0;
    }

    [Test]
    public async Task AgentThatWasToldNothing_HasNotSeenTheExchange_AndIsToldNothingLater()
    {
        await using var pool = await _rig.PoolAsync(_a);
        _a.Answer = _ => Full;
        var session = _rig.Session(pool);
        Assert.That((await _rig.AskAsync(session, TestEvents.Headers(1))).Outcome, Is.EqualTo(CallOutcome.NoRoom));
        Assert.That(session.HasSeenExchange, Is.False);
        _a.Answer = _ => CallResult.Answered(AgentResponse.Allow);
        Assert.That((await _rig.AskAsync(session, TestEvents.Chunk(1))).Outcome, Is.EqualTo(CallOutcome.NoRoom), "the headers it needs never came");
        Assert.That(_a.Asked, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task NoRoomLater_KeepsTheLease()
    {
        await using var pool = await _rig.PoolAsync(_a);
        var session = _rig.Session(pool);
        await _rig.AskAsync(session, TestEvents.Headers(1));
        _a.Answer = _ => Full;
        await _rig.AskAsync(session, TestEvents.Chunk(1));
        Assert.That(session.HasSeenExchange, Is.True);
    }

    [Test]
    public async Task Cancel_GoesToTheLeasedConnectionOnly()
    {
        await using var pool = await _rig.PoolAsync(_a, _b);
        var session = _rig.Session(pool);
        session.Cancel(CancelReason.ClientDisconnect);
        Assert.That(_a.Cancels.Concat(_b.Cancels), Is.Empty);
        await _rig.AskAsync(session, TestEvents.Headers(1));
        session.Cancel(CancelReason.ClientDisconnect);
        Assert.That((_a.Cancels.Count, _b.Cancels.Count), Is.EqualTo(_a.Asked.IsEmpty ? (0, 1) : (1, 0)));
    }
}
