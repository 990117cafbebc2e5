using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Agents;

public sealed class FlowControlTests
{
    private static readonly PoolSettings Settings = PoolTests.Settings(1) with { Queue = 10, QueueWait = TimeSpan.FromMilliseconds(10) };

    private SessionRig _rig = null!;
    private FakeConnection _a = null!;
    private FakeConnection _b = null!;

    private static IEnumerable<AgentEvent> LaterEvents() =>
    [
        TestEvents.Chunk(1),
        new ResponseHeadersEvent { CorrelationId = TestEvents.Id(1), Status = 200, Headers = new HeaderBlock() },
        new ResponseBodyChunkEvent { CorrelationId = TestEvents.Id(1), Data = new byte[3] },
        new WebSocketFrameEvent { CorrelationId = TestEvents.Id(1), Data = new byte[3] },
    ];

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

    // Every event minds a pause, response headers too.
    [TestCaseSource(nameof(LaterEvents))]
    public async Task Defect30_Pause_IsEnforcedForEveryEventOfTheConnectionsExchanges(object message)
    {
        await using var pool = await _rig.PoolAsync(Settings, _a);
        var session = _rig.Session(pool);
        await _rig.AskAsync(session, TestEvents.Headers(1));
        Signal(pool, _a, FlowAction.Pause);
        Assert.That((await _rig.AskAsync(session, (AgentEvent)message)).Outcome, Is.EqualTo(CallOutcome.Paused));
        Assert.That((await _rig.AskAsync(session, TestEvents.Complete(1))).IsAnswered, Is.True, "the end of an exchange only frees what it holds");
        Assert.That(_a.Asked, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Pause_SendsNewExchangesElsewhere_ThenNowhere_ThenBack()
    {
        await using var pool = await _rig.PoolAsync(Settings with { Connections = 2 }, _a, _b);
        Signal(pool, _a, FlowAction.Pause);
        Assert.That((await AskNewAsync(pool, 1)).IsAnswered, Is.True);
        Assert.That((_a.Asked.Count, _b.Asked.Count), Is.EqualTo((0, 1)));
        Signal(pool, _b, FlowAction.Pause);
        Assert.That(pool.State, Is.EqualTo(PoolState.Paused));
        Assert.That((await AskNewAsync(pool, 2)).Outcome, Is.EqualTo(CallOutcome.Paused));
        Signal(pool, _a, FlowAction.Resume);
        Assert.That((await AskNewAsync(pool, 3)).IsAnswered, Is.True);
        Assert.That((_a.Asked.Count, _b.Asked.Count), Is.EqualTo((1, 1)));
    }

    [Test]
    public async Task Wait_EndsWithTheResume()
    {
        await using var pool = await _rig.PoolAsync(Settings with { FlowWait = TimeSpan.FromMilliseconds(100) }, _a);
        Signal(pool, _a, FlowAction.Pause);
        var waiting = AskNewAsync(pool, 1);
        _rig.Clock.AdvanceTicks(TimeSpan.FromMilliseconds(100).Ticks - 1);
        Assert.That(waiting.IsCompleted, Is.False);
        Signal(pool, _a, FlowAction.Resume);
        Assert.That((await waiting.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).IsAnswered, Is.True);
    }

    [Test]
    public async Task Wait_EndsAtItsLimit()
    {
        await using var pool = await _rig.PoolAsync(Settings with { FlowWait = TimeSpan.FromMilliseconds(100) }, _a);
        Signal(pool, _a, FlowAction.Pause);
        var waiting = AskNewAsync(pool, 1);
        _rig.Clock.AdvanceTicks(TimeSpan.FromMilliseconds(100).Ticks - 1);
        Assert.That(waiting.IsCompleted, Is.False);
        _rig.Clock.AdvanceTicks(1);
        Assert.That((await waiting.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).Outcome, Is.EqualTo(CallOutcome.Paused));
    }

    [Test]
    public async Task PauseOfOneExchange_HoldsItsBodiesAndNothingElse()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a);
        var (one, two) = (_rig.Session(pool), _rig.Session(pool, exchange: 2));
        await _rig.AskAsync(one, TestEvents.Headers(1));
        await _rig.AskAsync(two, TestEvents.Headers(2));
        pool.OnFlowControl(_a, new FlowControlSignal { Action = FlowAction.Pause, CorrelationId = TestEvents.Id(1) });
        Assert.That(
            (await _rig.AskAsync(one, new ResponseHeadersEvent { CorrelationId = TestEvents.Id(1), Status = 200, Headers = new HeaderBlock() })).IsAnswered,
            Is.True);
        var held = _rig.AskAsync(one, TestEvents.Chunk(1));
        Assert.That((await _rig.AskAsync(two, TestEvents.Chunk(2))).IsAnswered, Is.True);
        _rig.Clock.Advance(TimeSpan.FromMilliseconds(399));
        Assert.That(held.IsCompleted, Is.False, "held for as long as the call may take");
        pool.OnFlowControl(_a, new FlowControlSignal { Action = FlowAction.Resume, CorrelationId = TestEvents.Id(1) });
        Assert.That((await held.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).IsAnswered, Is.True);
    }

    [Test]
    public async Task PauseOfOneExchange_EndsAtTheCallsDeadline()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a);
        var session = _rig.Session(pool);
        await _rig.AskAsync(session, TestEvents.Headers(1));
        pool.OnFlowControl(_a, new FlowControlSignal { Action = FlowAction.Pause, CorrelationId = TestEvents.Id(1) });
        var held = _rig.AskAsync(session, TestEvents.Chunk(1), 50);
        _rig.Clock.AdvanceTicks(TimeSpan.FromMilliseconds(50).Ticks - 1);
        Assert.That(held.IsCompleted, Is.False);
        _rig.Clock.AdvanceTicks(1);
        Assert.That((await held.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).Outcome, Is.EqualTo(CallOutcome.Paused));
        Assert.That((pool.Admission.Running, pool.Admission.Waiting), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Capacity_BoundsTheBytesOfBodyUnderWay()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a);
        var (one, two) = (_rig.Session(pool), _rig.Session(pool, exchange: 2));
        await _rig.AskAsync(one, TestEvents.Headers(1));
        await _rig.AskAsync(two, TestEvents.Headers(2));
        pool.OnFlowControl(_a, new FlowControlSignal { Action = FlowAction.UpdateCapacity, BufferAvailable = 100 });
        var answer = new TaskCompletionSource<CallResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        _a.AnswerLater = (message, _) => message.CorrelationId == TestEvents.Id(1) ? answer.Task : Task.FromResult(CallResult.Answered(AgentResponse.Allow));
        var first = _rig.AskAsync(one, TestEvents.Chunk(1, size: 90));
        var second = _rig.AskAsync(two, TestEvents.Chunk(2, size: 11));
        Assert.That((first.IsCompleted, second.IsCompleted, _a.Asked.Count), Is.EqualTo((false, false, 3)), "90 of 100 are taken");
        answer.SetResult(CallResult.Answered(AgentResponse.Allow));
        Assert.That((await second.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).IsAnswered, Is.True);
        await first;
        Assert.That((await _rig.AskAsync(two, TestEvents.Chunk(2, index: 1, size: 900))).IsAnswered, Is.True, "a piece larger than all of it goes alone");
    }

    [Test]
    public async Task NoCapacity_TakesTheConnectionOutOfSelection_AndHoldsBodies()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a);
        var session = _rig.Session(pool);
        await _rig.AskAsync(session, TestEvents.Headers(1));
        pool.OnFlowControl(_a, new FlowControlSignal { Action = FlowAction.UpdateCapacity, BufferAvailable = 0 });
        Assert.That((await AskNewAsync(pool, 2)).Outcome, Is.EqualTo(CallOutcome.Paused));
        var held = _rig.AskAsync(session, TestEvents.Chunk(1));
        Assert.That(held.IsCompleted, Is.False);
        pool.OnFlowControl(_a, new FlowControlSignal { Action = FlowAction.UpdateCapacity, BufferAvailable = 10 });
        Assert.That((await held.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).IsAnswered, Is.True);
        Assert.That((await AskNewAsync(pool, 3)).IsAnswered, Is.True);
    }

    [TestCase(FailureMode.Closed, FlowMode.AsFailureMode, FailureMode.Closed)]
    [TestCase(FailureMode.Open, FlowMode.AsFailureMode, FailureMode.Open)]
    [TestCase(FailureMode.Open, FlowMode.Closed, FailureMode.Closed)]
    [TestCase(FailureMode.Closed, FlowMode.Open, FailureMode.Open)]
    [TestCase(FailureMode.Open, FlowMode.Wait, FailureMode.Open)]
    public void FlowMode_DecidesAboutPausesOnly(int failure, int flow, int expected)
    {
        var policy = new AgentPolicy
        {
            OnFailure = (FailureMode)failure,
            FlowMode = (FlowMode)flow,
            HeaderTimeout = TimeSpan.FromSeconds(1),
            BodyTimeout = TimeSpan.FromSeconds(1),
        };
        Assert.That(policy.FailureModeFor(Cause.FlowControl, isResponse: false), Is.EqualTo((FailureMode)expected));
        Assert.That(policy.FailureModeFor(Cause.Timeout, isResponse: true), Is.EqualTo((FailureMode)failure));
    }

    [Test]
    public void HeldExchanges_AreBounded_TheOldestIsForgotten_AndAllAreAfterAMinute()
    {
        var held = new PausedExchanges(_rig.Clock);
        for (var i = 1; i <= PausedExchanges.Most + 1; i++)
        {
            held.Apply(new FlowControlSignal { Action = FlowAction.Pause, CorrelationId = TestEvents.Id(i) });
        }

        Assert.That((held.Count, held.Contains(TestEvents.Id(1)), held.Contains(TestEvents.Id(2))), Is.EqualTo((PausedExchanges.Most, false, true)));
        _rig.Clock.AdvanceTicks(TimeSpan.FromMinutes(1).Ticks - 1);
        Assert.That(held.Contains(TestEvents.Id(2)), Is.True);
        _rig.Clock.AdvanceTicks(1);
        Assert.That(held.Contains(TestEvents.Id(2)), Is.False);
        for (var i = 0; i < 10 * PausedExchanges.Most; i++)
        {
            held.Apply(new FlowControlSignal { Action = i % 2 == 0 ? FlowAction.Pause : FlowAction.Resume, CorrelationId = TestEvents.Id(7) });
        }

        Assert.That(held.Contains(TestEvents.Id(7)), Is.False);
        Assert.That(held.Count, Is.LessThanOrEqualTo(PausedExchanges.Most));
    }

    private static void Signal(ConnectionPool pool, FakeConnection connection, FlowAction action) =>
        pool.OnFlowControl(connection, new FlowControlSignal { Action = action });

    private Task<AgentReply> AskNewAsync(ConnectionPool pool, int exchange) =>
        _rig.AskAsync(_rig.Session(pool, exchange: exchange), TestEvents.Headers(exchange));
}
