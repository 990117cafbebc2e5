using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Agents;

/// <summary>What counts for the breaker, and what it does to sessions.</summary>
public sealed class BreakerTests
{
    private static readonly PoolSettings Settings = PoolTests.Settings(2) with
    {
        Breaker = new BreakerSettings
        {
            FailurePercent = 0,
            MinCalls = 100,
            Window = TimeSpan.FromSeconds(10),
            Consecutive = 2,
            TrialsToClose = 2,
            OpenFor = TimeSpan.FromSeconds(2),
        },
    };

    private SessionRig _rig = null!;
    private FakeConnection _a = null!;
    private FakeConnection _b = null!;
    private int _exchange;

    private static IEnumerable<TestCaseData> Ends()
    {
        yield return new TestCaseData(CallResult.Failed(CallOutcome.TimedOut, "slow"), true).SetArgDisplayNames("timeout");
        yield return new TestCaseData(CallResult.Failed(CallOutcome.ConnectionLost, "died"), true).SetArgDisplayNames("lost connection");
        yield return new TestCaseData(CallResult.Failed(CallOutcome.BadAnswer, "nonsense"), true).SetArgDisplayNames("bad answer");
        yield return new TestCaseData(Blocked(ReasonCodes.HandlerError), true).SetArgDisplayNames("agent error");
        yield return new TestCaseData(Blocked("sql-injection"), false).SetArgDisplayNames("block");
        yield return new TestCaseData(CallResult.Failed(CallOutcome.Cancelled, "decided"), false).SetArgDisplayNames("cancelled");
        yield return new TestCaseData(CallResult.Failed(CallOutcome.NoRoom, "full"), false).SetArgDisplayNames("our limit");
        yield return new TestCaseData(CallResult.Failed(CallOutcome.Owed, "owed"), false).SetArgDisplayNames("owed");
        yield return new TestCaseData(CallResult.Failed(CallOutcome.NotSendable, "large"), false).SetArgDisplayNames("not sendable");
    }

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

    [TestCaseSource(nameof(Ends))]
    public async Task WhatCountsAsFailure(object end, bool counts)
    {
        await using var pool = await _rig.PoolAsync(Settings, _a, _b);
        _a.Answer = _b.Answer = _ => (CallResult)end;
        await AskAsync(pool);
        await AskAsync(pool);
        Assert.That(pool.Admission.Breaker.State, Is.EqualTo(counts ? BreakerState.Open : BreakerState.Closed));
        Assert.That(_rig.Log.Collector.GetSnapshot().Count(entry => entry.Id.Id == 1115), Is.EqualTo(counts ? 1 : 0));
    }

    [Test]
    public async Task SilenceOnGuardrails_CountsOnlyWhenTheAgentDeclaresThem([Values] bool declared)
    {
        var agent = new FakeConnection("a") { Capabilities = new AgentCapabilities { Features = new AgentFeatures { Guardrails = declared } } };
        await using var pool = await _rig.PoolAsync(Settings with { Connections = 1 }, agent);
        agent.Answer = static _ => CallResult.Failed(CallOutcome.TimedOut, "silent");
        for (var i = 0; i < 2; i++)
        {
            await _rig.AskAsync(_rig.Session(pool), new GuardrailInspectEvent { CorrelationId = TestEvents.Id(1), Content = "x" });
        }

        Assert.That(pool.Admission.Breaker.State, Is.EqualTo(declared ? BreakerState.Open : BreakerState.Closed));
        await agent.DisposeAsync();
    }

    [Test]
    public async Task Open_RefusesAtOnce_ButTellsTheEndOfExchanges()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a, _b);
        var session = _rig.Session(pool, exchange: 100);
        await _rig.AskAsync(session, TestEvents.Headers(100));
        await OpenAsync(pool);
        var before = _a.Asked.Count + _b.Asked.Count;
        Assert.That((await AskAsync(pool)).Outcome, Is.EqualTo(CallOutcome.BreakerOpen));
        Assert.That((await _rig.AskAsync(session, TestEvents.Chunk(100))).Outcome, Is.EqualTo(CallOutcome.BreakerOpen));
        Assert.That((await _rig.AskAsync(session, TestEvents.Complete(100))).IsAnswered, Is.True);
        Assert.That(_a.Asked.Count + _b.Asked.Count, Is.EqualTo(before + 1));
        Assert.That(pool.Admission.Running, Is.Zero);
    }

    [Test]
    public async Task HalfOpen_TheTrialsPlaceComesBack_AfterCancelAndAfterADefect()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a, _b);
        await OpenAsync(pool);
        _rig.Clock.Advance(TimeSpan.FromSeconds(2));
        _a.Answer = _b.Answer = static _ => CallResult.Failed(CallOutcome.Cancelled, "decided");
        Assert.That((await AskAsync(pool)).Outcome, Is.EqualTo(CallOutcome.Cancelled));
        _a.Answer = _b.Answer = static _ => throw new InvalidOperationException("a defect");
        Assert.That(() => _rig.Session(pool, exchange: 50).AskAsync(TestEvents.Headers(50), _rig.In(100)).AsTask(), Throws.InvalidOperationException);
        _a.Answer = _b.Answer = static _ => CallResult.Answered(AgentResponse.Allow);
        Assert.That((await AskAsync(pool)).IsAnswered, Is.True);
        Assert.That((await AskAsync(pool)).IsAnswered, Is.True);
        Assert.That(pool.Admission.Breaker.State, Is.EqualTo(BreakerState.Closed));
    }

    [Test]
    public async Task HalfOpen_OthersAreRefusedWhileTheTrialRuns()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a, _b);
        await OpenAsync(pool);
        _rig.Clock.Advance(TimeSpan.FromSeconds(2));
        var answer = new TaskCompletionSource<CallResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        _a.AnswerLater = _b.AnswerLater = (_, _) => answer.Task;
        var trial = AskAsync(pool);
        Assert.That((await AskAsync(pool)).Outcome, Is.EqualTo(CallOutcome.BreakerOpen));
        answer.SetResult(CallResult.Answered(AgentResponse.Allow));
        Assert.That((await trial).IsAnswered, Is.True);
    }

    [Test]
    public async Task HalfOpen_TheTrialsPlaceComesBack_WhenThereIsNoConnectionForIt()
    {
        await using var pool = await _rig.PoolAsync(Settings, _a, _b);
        await OpenAsync(pool);
        _rig.Clock.Advance(TimeSpan.FromSeconds(2));
        Report(HealthState.Unhealthy);
        Assert.That((await AskAsync(pool)).Outcome, Is.EqualTo(CallOutcome.Unwell));
        Report(HealthState.Healthy);
        Assert.That((await AskAsync(pool)).IsAnswered, Is.True, "the next is the trial, at once");

        void Report(HealthState state)
        {
            foreach (var connection in (FakeConnection[])[_a, _b])
            {
                connection.Sink!.OnHealth(connection, new HealthStatus { State = state });
            }
        }
    }

    [Test]
    public async Task HalfOpen_TheTrialsPlaceComesBack_WhenThereIsNoSlotForIt()
    {
        var settings = Settings with { MaxCalls = 2 };
        await using var pool = await _rig.PoolAsync(settings, _a, _b);
        var answer = new TaskCompletionSource<CallResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        _a.AnswerLater = _b.AnswerLater = (_, _) => answer.Task;
        var first = _rig.AskAsync(_rig.Session(pool, exchange: 100), TestEvents.Headers(100));
        (_a.AnswerLater, _b.AnswerLater) = (null, null);
        await OpenAsync(pool);
        pool.Follow(settings with { MaxCalls = 1, DrainTimeout = TimeSpan.Zero }, null);
        _rig.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.That((await AskAsync(pool)).Outcome, Is.EqualTo(CallOutcome.NoSlot), "the only slot is taken");
        answer.SetResult(CallResult.Answered(AgentResponse.Allow));
        await first;
        Assert.That((await AskAsync(pool)).IsAnswered, Is.True, "the next is the trial, at once");
    }

    // Rule 11 asks once more; a breaker that has just opened on the loss says that there is no point.
    [Test]
    public async Task LossThatOpensTheBreaker_IsNotRetried()
    {
        await using var pool = await _rig.PoolAsync(Settings with { Breaker = Settings.Breaker with { Consecutive = 1 } }, _a, _b);
        _a.Answer = _b.Answer = static _ => CallResult.Failed(CallOutcome.ConnectionLost, "died");
        var reply = await _rig.AskAsync(_rig.Session(pool), TestEvents.Headers(1), 100);
        Assert.That((reply.Outcome, reply.IsRetry), Is.EqualTo((CallOutcome.ConnectionLost, false)));
        Assert.That((_a.Asked.Count + _b.Asked.Count, pool.Admission.Running), Is.EqualTo((1, 0)));
    }

    private static CallResult Blocked(string reason) =>
        CallResult.Answered(new AgentResponse { Decision = new BlockDecision(403), Audit = new AuditMetadata { ReasonCodes = [reason] } });

    private Task<AgentReply> AskAsync(ConnectionPool pool)
    {
        var exchange = ++_exchange;
        return _rig.AskAsync(_rig.Session(pool, exchange: exchange), TestEvents.Headers(exchange));
    }

    private async Task OpenAsync(ConnectionPool pool)
    {
        _a.Answer = _b.Answer = static _ => CallResult.Failed(CallOutcome.BadAnswer, "nonsense");
        await AskAsync(pool);
        await AskAsync(pool);
        Assert.That(pool.Admission.Breaker.State, Is.EqualTo(BreakerState.Open));
        _a.Answer = _b.Answer = static _ => CallResult.Answered(AgentResponse.Allow);
    }
}
