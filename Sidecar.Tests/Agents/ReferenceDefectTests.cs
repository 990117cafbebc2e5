using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Agents;

/// <summary>Defects of the reference's pool (spec §10) that concern the calls of one exchange, by their numbers.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ReferenceDefectTests : IAsyncDisposable
{
    private readonly SessionRig _rig = new();
    private readonly FakeConnection _a = new("a");
    private readonly FakeConnection _b = new("b");

    public async ValueTask DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Test]
    public async Task Defect15_Cancel_GoesOnlyToTheConnectionThatHoldsTheCall()
    {
        await using var pool = await _rig.PoolAsync(_a, _b);
        var session = _rig.Session(pool);
        await _rig.AskAsync(session, TestEvents.Headers(1));
        session.Cancel(CancelReason.BlockedByAgent);
        var (holder, other) = _a.Asked.IsEmpty ? (_b, _a) : (_a, _b);
        Assert.That(holder.Cancels, Is.EqualTo(new[] { CancelReason.BlockedByAgent }));
        Assert.That(other.Cancels, Is.Empty);
    }

    [Test]
    public async Task Defect23_NoConnectionToChoose_LeavesNothingInFlight()
    {
        await using var pool = await _rig.PoolAsync(_a);
        _a.Abort("crash");
        await Eventually.TrueAsync(() => pool.Live.Count == 0, ScriptedAgent.Limit, "its removal");
        var asked = _rig.AskAsync(_rig.Session(pool), TestEvents.Headers(1));
        Assert.That((await asked.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).Outcome, Is.EqualTo(CallOutcome.NoConnection));
        Assert.That((pool.Admission.Running, pool.Admission.Waiting), Is.EqualTo((0, 0)));
    }

    private static IEnumerable<AgentEvent> LaterEvents() =>
    [
        TestEvents.Chunk(1),
        new ResponseHeadersEvent { CorrelationId = TestEvents.Id(1), Status = 200, Headers = new HeaderBlock() },
        new ResponseBodyChunkEvent { CorrelationId = TestEvents.Id(1), Data = new byte[3] },
        new WebSocketFrameEvent { CorrelationId = TestEvents.Id(1), Data = new byte[3] },
        Events.Guardrail("unused", "text") with { CorrelationId = TestEvents.Id(1) },
        TestEvents.Complete(1),
    ];

    [TestCaseSource(nameof(LaterEvents))]
    public async Task Defect25_EveryPhase_KeepsTheConnectionThatSawTheRequest(object message)
    {
        await using var pool = await _rig.PoolAsync(_a, _b);
        var session = _rig.Session(pool);
        await _rig.AskAsync(session, TestEvents.Headers(1));
        var (leased, other) = _a.Asked.IsEmpty ? (_b, _a) : (_a, _b);
        // Any free choice would take the other.
        leased.InFlight = 3;
        await _rig.AskAsync(session, (AgentEvent)message);
        Assert.That((leased.Asked.Count, other.Asked.Count), Is.EqualTo((2, 0)));
        leased.InFlight = 0;
    }

    [TestCaseSource(nameof(LaterEvents))]
    public async Task Defect25_ConnectionThatSawTheRequestIsDead_NoOtherIsAsked(object message)
    {
        await using var pool = await _rig.PoolAsync(_a, _b);
        var session = _rig.Session(pool);
        await _rig.AskAsync(session, TestEvents.Headers(1));
        var (leased, other) = _a.Asked.IsEmpty ? (_b, _a) : (_a, _b);
        leased.Abort("crash");
        var result = await _rig.AskAsync(session, (AgentEvent)message);
        Assert.That(Daemon.Agents.Causes.Of(result.Outcome), Is.EqualTo(Daemon.Agents.Cause.AgentCrash));
        Assert.That(other.Asked, Is.Empty);
    }

    [Test]
    public async Task Defect31_AgentsLimits_AreRespected()
    {
        _a.Traits = _a.Traits with { MaxInFlight = 1, MaxEventBytes = 10 };
        await using var pool = await _rig.PoolAsync(_a);
        var session = _rig.Session(pool);
        await _rig.AskAsync(session, TestEvents.Headers(1));
        Assert.That((session.MaxEventBytes, (await _rig.AskAsync(session, TestEvents.Chunk(1, size: 11))).Outcome), Is.EqualTo((10, CallOutcome.NotSendable)));
        _a.InFlight = 1;
        Assert.That((await _rig.AskAsync(_rig.Session(pool, exchange: 2), TestEvents.Headers(2))).Outcome, Is.EqualTo(CallOutcome.NoRoom));
        _a.InFlight = 0;
    }

    // Spec §5.1: answers name the exchange, so a second event of it in flight would take the first one's answer.
    [Test]
    public async Task OverlappingEventsOfOneExchange_DoNotOverwriteEachOther()
    {
        await using var pool = await _rig.PoolAsync(_a);
        var session = _rig.Session(pool);
        await _rig.AskAsync(session, TestEvents.Headers(1));
        var answers = new Queue<TaskCompletionSource<CallResult>>();
        _a.AnswerLater = (_, _) =>
        {
            var answer = new TaskCompletionSource<CallResult>(TaskCreationOptions.RunContinuationsAsynchronously);
            answers.Enqueue(answer);
            return answer.Task;
        };
        var request = _rig.AskAsync(session, TestEvents.Chunk(1));
        var response = _rig.AskAsync(session, new ResponseHeadersEvent { CorrelationId = TestEvents.Id(1), Status = 200, Headers = new HeaderBlock() });
        Assert.That(_a.Asked, Has.Count.EqualTo(2), "the second waits for the first");
        answers.Dequeue().SetResult(CallResult.Answered(new AgentResponse { Decision = new BlockDecision(451) }));
        Assert.That((await request).Response!.Decision, Is.EqualTo(new BlockDecision(451)));
        await Eventually.TrueAsync(() => _a.Asked.Count == 3, ScriptedAgent.Limit, "the second");
        answers.Dequeue().SetResult(CallResult.Answered(AgentResponse.Allow));
        Assert.That((await response).Response!.Decision, Is.InstanceOf<AllowDecision>());
    }
}
