using System.Collections.Concurrent;
using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Agents;

/// <summary>Limits of an agent and the queue before them, as sessions meet them.</summary>
public sealed class AdmissionTests
{
    private static readonly PoolSettings Settings = PoolTests.Settings(1) with { MaxCalls = 1, Queue = 2, QueueWait = TimeSpan.FromMilliseconds(10) };

    private SessionRig _rig = null!;
    private FakeConnection _a = null!;
    private TaskCompletionSource<CallResult> _answer = null!;

    [SetUp]
    public void Prepare()
    {
        _rig = new SessionRig();
        _a = new FakeConnection("a");
        _answer = new TaskCompletionSource<CallResult>(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    [TearDown]
    public async Task CleanUpAsync() => await _a.DisposeAsync();

    // A wait for a slot is bounded and part of the time budget.
    [TestCase(1000, 10)]
    [TestCase(4, 4)]
    public async Task Defect24_PermitWait_IsBoundedByTheQueueWaitAndTheDeadline(int deadline, int expected)
    {
        await using var pool = await BusyAsync(Settings);
        var waiting = _rig.AskAsync(_rig.Session(pool, exchange: 2), TestEvents.Headers(2), deadline);
        _rig.Clock.AdvanceTicks(TimeSpan.FromMilliseconds(expected).Ticks - 1);
        Assert.That((waiting.IsCompleted, pool.Admission.Waiting), Is.EqualTo((false, 1)));
        _rig.Clock.AdvanceTicks(1);
        var result = await waiting.WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That(result.Outcome, Is.EqualTo(CallOutcome.NoSlot));
        Assert.That(result.Detail, Does.Contain("the limit is 1"));
        Assert.That((pool.Admission.Waiting, pool.Admission.Running), Is.EqualTo((0, 1)));
        Assert.That(_a.Asked, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task SlotThatBecomesFree_GoesToTheFirstThatWaits()
    {
        await using var pool = await BusyAsync(Settings);
        var second = _rig.AskAsync(_rig.Session(pool, exchange: 2), TestEvents.Headers(2));
        var third = _rig.AskAsync(_rig.Session(pool, exchange: 3), TestEvents.Headers(3));
        Assert.That(pool.Admission.Waiting, Is.EqualTo(2));
        _answer.SetResult(CallResult.Answered(AgentResponse.Allow));
        Assert.That((await second.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).IsAnswered, Is.True);
        Assert.That((await third.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).IsAnswered, Is.True);
        Assert.That(_a.Asked.Select(asked => asked.CorrelationId), Is.EqualTo(new[] { TestEvents.Id(1), TestEvents.Id(2), TestEvents.Id(3) }));
        await Eventually.TrueAsync(() => (pool.Admission.Waiting, pool.Admission.Running) == (0, 0), ScriptedAgent.Limit, "nothing to be left");
    }

    [Test]
    public async Task QueueFull_FailsAtOnceAndNamesTheLimit()
    {
        await using var pool = await BusyAsync(Settings);
        var waiting = new[] { 2, 3 }.Select(n => _rig.AskAsync(_rig.Session(pool, exchange: n), TestEvents.Headers(n))).ToList();
        var fourth = await _rig.AskAsync(_rig.Session(pool, exchange: 4), TestEvents.Headers(4)).WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That(fourth.Outcome, Is.EqualTo(CallOutcome.QueueFull));
        Assert.That(fourth.Detail, Does.Contain("2 calls wait"));
        _answer.SetResult(CallResult.Answered(AgentResponse.Allow));
        await Task.WhenAll(waiting).WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
    }

    // Exchanges that expire together end in a burst.
    [Test]
    public async Task EndsOfExchanges_NeedNoSlot_AndNeverTakeTheSeatsOfRequests()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a);
        var over = Enumerable.Range(2, 4).Select(n => (Number: n, Session: _rig.Session(pool, exchange: n))).ToList();
        foreach (var (number, session) in over)
        {
            await _rig.AskAsync(session, TestEvents.Headers(number));
        }

        _a.AnswerLater = (message, _) =>
            message.CorrelationId == TestEvents.Id(1) ? _answer.Task : Task.FromResult(CallResult.Answered(AgentResponse.Allow));
        var first = _rig.AskAsync(_rig.Session(pool), TestEvents.Headers(1));
        var ends = await Task.WhenAll(over.Select(one => _rig.AskAsync(one.Session, TestEvents.Complete(one.Number))))
            .WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        var second = _rig.AskAsync(_rig.Session(pool, exchange: 6), TestEvents.Headers(6));

        Assert.That(ends.Select(static end => end.Outcome), Has.All.EqualTo(CallOutcome.Answered), "an agent whose slots are taken is the one that has memory to free");
        Assert.That(pool.Admission.Waiting, Is.EqualTo(1), "only the request waits");
        _answer.SetResult(CallResult.Answered(AgentResponse.Allow));
        Assert.That((await Task.WhenAll(first, second).WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).Select(static one => one.IsAnswered), Has.All.True);
    }

    // Waking oneself by giving back what one could not use would spin for ever.
    [Test]
    public async Task SlotLostAgainAndAgain_WaitsAndThenFails()
    {
        await using var pool = await _rig.PoolAsync(Settings with { MaxCalls = 2 }, _a);
        _a.Answer = static _ => CallResult.Failed(CallOutcome.NoRoom, "somebody was faster");
        var calls = new[] { 1, 2 }.Select(n => _rig.AskAsync(_rig.Session(pool, exchange: n), TestEvents.Headers(n))).ToList();
        Assert.That(calls.Select(static call => call.IsCompleted), Is.All.False);
        _rig.Clock.Advance(TimeSpan.FromMilliseconds(10));
        var results = await Task.WhenAll(calls).WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That(results.Select(static result => result.Outcome), Is.All.EqualTo(CallOutcome.NoRoom));
        Assert.That((pool.Admission.Running, pool.Admission.Waiting), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task NoQueue_FailsAtOnce()
    {
        await using var pool = await BusyAsync(Settings with { Queue = 0 });
        Assert.That((await _rig.AskAsync(_rig.Session(pool, exchange: 2), TestEvents.Headers(2))).Outcome, Is.EqualTo(CallOutcome.NoSlot));
        _answer.SetResult(CallResult.Answered(AgentResponse.Allow));
    }

    [Test]
    public async Task FullConnection_IsWaitedFor_ByNewExchangesAndByThoseThatHaveIt()
    {
        await using var pool = await _rig.PoolAsync(Settings with { MaxCalls = 100 }, _a);
        var session = _rig.Session(pool);
        await _rig.AskAsync(session, TestEvents.Headers(1));
        _a.InFlight = 4;
        var later = _rig.AskAsync(session, TestEvents.Chunk(1));
        var other = _rig.AskAsync(_rig.Session(pool, exchange: 2), TestEvents.Headers(2));
        Assert.That((later.IsCompleted, other.IsCompleted), Is.EqualTo((false, false)));
        _a.InFlight = 2;
        pool.OnSlotFreed(_a);
        pool.OnSlotFreed(_a);
        Assert.That((await later.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).IsAnswered, Is.True);
        Assert.That((await other.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).IsAnswered, Is.True);
        _a.InFlight = 4;
        var third = _rig.AskAsync(_rig.Session(pool, exchange: 3), TestEvents.Headers(3));
        await Eventually.TrueAsync(() => pool.Admission.Waiting == 1, ScriptedAgent.Limit, "it to wait");
        _rig.Clock.Advance(TimeSpan.FromMilliseconds(10));
        Assert.That((await third.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).Outcome, Is.EqualTo(CallOutcome.NoRoom));
        _a.InFlight = 0;
    }

    [Test]
    public async Task Withdrawn_EndsTheWaitAtOnce()
    {
        await using var pool = await BusyAsync(Settings);
        var session = _rig.Session(pool, exchange: 2);
        var waiting = _rig.AskAsync(session, TestEvents.Headers(2));
        session.Cancel(CancelReason.BlockedByAgent);
        Assert.That((await waiting.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).Outcome, Is.EqualTo(CallOutcome.Cancelled));
        Assert.That((pool.Admission.Waiting, pool.Admission.Running), Is.EqualTo((0, 1)));
        _answer.SetResult(CallResult.Answered(AgentResponse.Allow));
    }

    // Counts of calls in flight that leaked on errors, timeouts or cancellations would shut the agent out in the end.
    [TestCase(CallOutcome.Answered)]
    [TestCase(CallOutcome.BadAnswer)]
    [TestCase(CallOutcome.TimedOut)]
    [TestCase(CallOutcome.ConnectionLost)]
    [TestCase(CallOutcome.Cancelled)]
    [TestCase(CallOutcome.NoRoom)]
    [TestCase(CallOutcome.NotSendable)]
    [TestCase(CallOutcome.Owed)]
    public async Task Defect22_InFlightGauge_ReturnsToZero_HoweverTheCallEnds(int outcome)
    {
        await using var pool = await _rig.PoolAsync(Settings, _a);
        _a.Answer = _ => (CallOutcome)outcome == CallOutcome.Answered ? CallResult.Answered(AgentResponse.Allow) : CallResult.Failed((CallOutcome)outcome, "scripted");
        for (var exchange = 1; exchange <= 5; exchange++)
        {
            var session = _rig.Session(pool, exchange: exchange);
            var asked = _rig.AskAsync(session, TestEvents.Headers(exchange));
            await _rig.Clock.StepUntilAsync(TimeSpan.FromMilliseconds(10), () => asked.IsCompleted, "the end of the call");
            await _rig.AskAsync(session, TestEvents.Complete(exchange));
        }

        Assert.That((pool.Admission.Running, pool.Admission.Waiting), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task InFlightGauge_ReturnsToZero_AfterADefect()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a);
        _a.Answer = _ => throw new InvalidOperationException("a defect");
        var session = _rig.Session(pool);
        Assert.That(() => session.AskAsync(TestEvents.Headers(1), _rig.In(100)).AsTask(), Throws.InvalidOperationException);
        Assert.That(pool.Admission.Running, Is.Zero);
        _a.Answer = static _ => CallResult.Answered(AgentResponse.Allow);
        Assert.That((await _rig.AskAsync(session, TestEvents.Complete(1))).IsAnswered, Is.True, "the gate is open again");
    }

    [Test]
    public async Task Retry_KeepsItsSlot()
    {
        var b = new FakeConnection("b");
        await using var pool = await _rig.PoolAsync(Settings with { Connections = 2 }, _a, b);
        var retried = new TaskCompletionSource<CallResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        _a.AnswerLater = b.AnswerLater = (message, _) => message.CorrelationId != TestEvents.Id(1) || _a.Asked.Count + b.Asked.Count == 1
            ? Task.FromResult(CallResult.Failed(CallOutcome.ConnectionLost, "died")) : retried.Task;
        var asking = _rig.AskAsync(_rig.Session(pool), TestEvents.Headers(1), 100);
        Assert.That((_a.Asked.Count, b.Asked.Count, pool.Admission.Running), Is.EqualTo((1, 1, 1)));
        var other = _rig.AskAsync(_rig.Session(pool, exchange: 2, mode: AgentMode.Monitor), TestEvents.Headers(2));
        Assert.That((other.IsCompleted, _a.Asked.Count + b.Asked.Count), Is.EqualTo((false, 2)), "nobody slips in between");
        retried.SetResult(CallResult.Failed(CallOutcome.ConnectionLost, "died"));
        var reply = await asking;
        Assert.That((reply.Outcome, reply.IsRetry), Is.EqualTo((CallOutcome.ConnectionLost, true)));
        await other.WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That(pool.Admission.Running, Is.Zero);
    }

    [Test]
    public async Task FreeCapacity_AllocatesNothingInAdmission()
    {
        await using var pool = await _rig.PoolAsync(Settings with { Breaker = BreakerSettings.Off with { FailurePercent = 50 } }, _a);
        var ask = new CallAsk(TestEvents.Headers(1), EventKind.RequestHeaders, null, _rig.In(1000));
        var result = CallResult.Answered(AgentResponse.Allow);
        var pass = default(CallPermit);
        Assert.That(Allocations.Of(1000, Once), Is.Zero);

        void Once()
        {
            if (!pool.Admission.TryEnter(ask, ref pass, out _))
            {
                throw new InvalidOperationException("There is room.");
            }

            var second = TimeSpan.FromSeconds(1);
            pool.Admission.Leave(ref pass, result, EventKind.RequestHeaders, TimeSpan.FromMicroseconds(50), second, second, keepsSlot: false);
        }
    }

    // Rule 20: nobody waits for an answer that cannot come in time.
    [Test]
    public async Task CallThatCouldNotBeAnsweredInTime_IsRefusedAtOnce_AndTellsWhenToComeBack()
    {
        await using var pool = await _rig.PoolAsync(Settings with { Queue = 100, QueueWait = TimeSpan.MaxValue }, _a);
        var answers = new ConcurrentQueue<TaskCompletionSource<CallResult>>();
        _a.AnswerLater = (_, _) =>
        {
            var answer = new TaskCompletionSource<CallResult>(TaskCreationOptions.RunContinuationsAsynchronously);
            answers.Enqueue(answer);
            return answer.Task;
        };

        async Task AnswerOneAsync()
        {
            TaskCompletionSource<CallResult>? answer = null;
            await Eventually.TrueAsync(() => answers.TryDequeue(out answer), ScriptedAgent.Limit, "a call to be sent");
            answer!.SetResult(CallResult.Answered(AgentResponse.Allow));
        }

        // One at a time, 20 ms each: so the pace of the agent is known.
        var calls = new Queue<Task<AgentReply>>();
        for (var call = 1; call <= 5; call++)
        {
            calls.Enqueue(_rig.AskAsync(_rig.Session(pool, exchange: call), TestEvents.Headers(call), 1000));
            calls.Enqueue(_rig.AskAsync(_rig.Session(pool, exchange: call + 100), TestEvents.Headers(call + 100), 1000));
            for (var answered = 0; answered < 2; answered++)
            {
                await Eventually.TrueAsync(() => !answers.IsEmpty, ScriptedAgent.Limit, "the next to be sent");
                _rig.Clock.Advance(TimeSpan.FromMilliseconds(20));
                await AnswerOneAsync();
                Assert.That((await calls.Dequeue().WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).IsAnswered, Is.True);
            }
        }

        var first = _rig.AskAsync(_rig.Session(pool, exchange: 10), TestEvents.Headers(10), 1000);
        var hasty = await _rig.AskAsync(_rig.Session(pool, exchange: 11), TestEvents.Headers(11), 25).WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That(hasty.Cause, Is.EqualTo(Cause.Overload));
        Assert.That(hasty.Detail, Does.Contain("there is time for 0"));
        Assert.That((pool.Admission.Sheds.Count, pool.Admission.RetryAfter, pool.Admission.Waiting), Is.EqualTo((1, 1, 0)));
        await AnswerOneAsync();
        await first;

        // What is half inspected is not refused by a guess.
        var begun = _rig.Session(pool, exchange: 12);
        var headers = _rig.AskAsync(begun, TestEvents.Headers(12), 1000);
        await AnswerOneAsync();
        await headers;
        var another = _rig.AskAsync(_rig.Session(pool, exchange: 13), TestEvents.Headers(13), 1000);
        var piece = _rig.AskAsync(begun, TestEvents.Chunk(12), 25);
        Assert.That((piece.IsCompleted, pool.Admission.Waiting), Is.EqualTo((false, 1)));
        await AnswerOneAsync();
        await AnswerOneAsync();
        Assert.That((await piece.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).IsAnswered, Is.True);
        await another;
    }

    // The calls of a language model last for seconds: none ends that could tell that more would do.
    [Test]
    public async Task AgentWhoseCallsLastLong_IsSentMoreAndMore_ThoughNoneHasEnded()
    {
        var wide = new FakeConnection("wide", maxInFlight: 256);
        await using var pool = await _rig.PoolAsync(Settings with { MaxCalls = 0, Queue = 256, QueueWait = TimeSpan.MaxValue }, wide);
        wide.AnswerLater = (_, _) => _answer.Task;
        var calls = Enumerable.Range(1, 30).Select(n => _rig.AskAsync(_rig.Session(pool, exchange: n), TestEvents.Headers(n))).ToList();
        Assert.That(wide.Asked, Has.Count.EqualTo(CallLimit.First));
        _rig.Clock.Advance(CallLimit.Quiet);
        await Eventually.TrueAsync(() => wide.Asked.Count == 30, ScriptedAgent.Limit, "all to be sent");
        _answer.SetResult(CallResult.Answered(AgentResponse.Allow));
        Assert.That((await Task.WhenAll(calls).WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).Select(static one => one.IsAnswered), Has.All.True);
        await wide.DisposeAsync();
    }

    // The agent works on calls that nobody waits for any more; of one that has stopped to, the connection is replaced.
    [Test]
    public async Task AnswersThatAreOwed_TakeSlots_AndWhereTheyTakeAllForLongTheConnectionIsReplaced()
    {
        await using var pool = await _rig.PoolAsync(Settings with { MaxCalls = 2, QueueWait = TimeSpan.MaxValue, Queue = 0 }, _a);
        _a.Owed = _a.InFlight = 2;
        Assert.That((await _rig.AskAsync(_rig.Session(pool, exchange: 2), TestEvents.Headers(2))).Outcome, Is.EqualTo(CallOutcome.NoSlot));
        Assert.That(_a.IsOpen, Is.True);
        _rig.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.That((await _rig.AskAsync(_rig.Session(pool, exchange: 3), TestEvents.Headers(3))).Outcome, Is.EqualTo(CallOutcome.NoSlot));
        Assert.That(_a.IsOpen, Is.False);
    }

    // One call is under way and answered by _answer; all others are answered at once.
    private async Task<ConnectionPool> BusyAsync(PoolSettings settings)
    {
        var pool = await _rig.PoolAsync(settings, _a);
        _a.AnswerLater = (message, _) => message.CorrelationId == TestEvents.Id(1) ? _answer.Task : Task.FromResult(CallResult.Answered(AgentResponse.Allow));
        _ = _rig.AskAsync(_rig.Session(pool), TestEvents.Headers(1));
        Assert.That(pool.Admission.Running, Is.EqualTo(1));
        return pool;
    }
}
