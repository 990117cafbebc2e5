using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Contract.Connections;

/// <summary>What the pool relies on, kept by every kind of connection: native frames, gRPC streams, envelopes in order, requests without any stream.</summary>
[TestFixtureSource(typeof(ConnectionKind), nameof(ConnectionKind.All))]
internal sealed class ConnectionContractTests(ConnectionKind kind)
{
    /// <summary>What every agent here states as the largest body that it takes.</summary>
    public const int LargestBody = 1000;

    private static readonly AgentResponse Block = new() { Decision = new BlockDecision(418) };

    private FakeTimeProvider _clock = null!;
    private IContractPeer _peer = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _clock = new FakeTimeProvider();
        _peer = await kind.OpenAsync(_clock, new RecordingSink(), 4);
    }

    [TearDown]
    public async Task CloseAsync()
    {
        await _peer.DisposeAsync();

        // What waited for its end puts its timer away when it has seen that.
        await Eventually.TrueAsync(() => _clock.ActiveTimers == 0, ScriptedAgent.Limit, "the end of the connection's timers");
    }

    [Test]
    public async Task Answer_ReachesItsCall()
    {
        var call = Call(TestEvents.Headers(1, "/cart"));
        var seen = (RequestHeadersEvent)await _peer.ReceiveAsync();
        Assert.That((seen.Uri, IsIdle), Is.EqualTo(("/cart", false)));
        await _peer.AnswerAsync(seen, Block);
        Assert.That((await call).Response!.Decision, Is.EqualTo(Block.Decision));
        Assert.That(IsIdle, Is.True);
        Assert.That(_peer.Connection.Stats.LastHeard, Is.EqualTo(_clock.GetTimestamp()));
    }

    [Test]
    public async Task Traits_SayHowManyCallsItCarries_AndNoMoreAreTaken()
    {
        var limit = kind.Limit(4);
        Assert.That(_peer.Connection.Traits.MaxInFlight, Is.EqualTo(limit));
        var calls = Enumerable.Range(1, limit).Select(i => Call(TestEvents.Headers(i))).ToList();
        var refused = await Call(TestEvents.Headers(9));
        Assert.That((refused.Outcome, _peer.Connection.Stats.InFlight), Is.EqualTo((CallOutcome.NoRoom, limit)));
        Assert.That(refused.Detail, Does.Contain($"the limit is {limit}"));
        var seen = new List<AgentEvent>();
        while (seen.Count < limit)
        {
            seen.Add(await _peer.ReceiveAsync());
        }

        foreach (var message in Enumerable.Reverse(seen))
        {
            await _peer.AnswerAsync(message, new AgentResponse { Decision = new BlockDecision(Body: $"{message.CorrelationId}") });
        }

        var bodies = (await Task.WhenAll(calls)).Select(static result => ((BlockDecision)result.Response!.Decision).Body);
        Assert.That(bodies, Is.EqualTo(Enumerable.Range(1, limit).Select(static i => $"{TestEvents.Id(i)}")), "each its own");
        var next = Call(TestEvents.Headers(9));
        await _peer.AnswerAsync(await _peer.ReceiveAsync());
        Assert.That(((await next).IsAnswered, IsIdle), Is.EqualTo((true, true)));
    }

    [Test]
    public async Task Deadline_EndsTheCallToTheTick_AndItsAnswerIsNeverTakenForAnothers()
    {
        var call = Call(TestEvents.Chunk(1), 250);
        var late = await _peer.ReceiveAsync();
        _clock.AdvanceTicks(TimeSpan.FromMilliseconds(250).Ticks - 1);
        Assert.That(call.IsCompleted, Is.False, "a tick before");
        _clock.AdvanceTicks(1);
        Assert.That((await call).Outcome, Is.EqualTo(CallOutcome.TimedOut));
        if (kind.HasCancels)
        {
            await _peer.CancelledAsync(late, CancelReason.Timeout);
        }

        Assert.That((_peer.Connection.Stats.Owed, _peer.Connection.Stats.InFlight), Is.EqualTo(kind.OwesAnswers ? (1, 1) : (0, 0)));
        if (kind.OwesAnswers)
        {
            var refused = await Call(TestEvents.Chunk(1, 1));
            Assert.That(refused.Outcome, Is.EqualTo(CallOutcome.Owed).Or.EqualTo(CallOutcome.NoRoom));
            Assert.That(_peer.Waiting, Is.Zero, "nothing was sent");
            await _peer.AnswerAsync(late, Block);
            await Eventually.TrueAsync(() => IsIdle, ScriptedAgent.Limit, "the debt to be settled");
        }

        var next = Call(TestEvents.Chunk(1, 2));
        var seen = (RequestBodyChunkEvent)await _peer.ReceiveAsync();
        if (!kind.OwesAnswers)
        {
            await _peer.AnswerAsync(late, Block);
        }

        Assert.That((seen.ChunkIndex, next.IsCompleted), Is.EqualTo((2u, false)));
        await _peer.AnswerAsync(seen);
        Assert.That((await next).Response!.Decision, Is.InstanceOf<AllowDecision>());
        Assert.That((_peer.Connection.Stats.LateAnswers, IsIdle), Is.EqualTo((1L, true)));
    }

    [Test]
    public async Task DeadlineThatHasPassed_NothingIsSent()
    {
        var result = await Call(TestEvents.Headers(1), 0);
        Assert.That((result.Outcome, result.IsUnsent), Is.EqualTo((CallOutcome.TimedOut, true)));
        Assert.That((IsIdle, _peer.Waiting), Is.EqualTo((true, 0)));
    }

    [Test]
    public async Task Cancel_EndsTheCallAtOnce()
    {
        var call = Call(TestEvents.Headers(1));
        var seen = await _peer.ReceiveAsync();
        _peer.Connection.Cancel(seen.CorrelationId, CancelReason.ClientDisconnect);
        Assert.That((await call).Outcome, Is.EqualTo(CallOutcome.Cancelled));
        if (kind.HasCancels)
        {
            await _peer.CancelledAsync(seen, CancelReason.ClientDisconnect);
        }

        Assert.That(_peer.Connection.Stats.InFlight, Is.EqualTo(kind.OwesAnswers ? 1 : 0), "a slot whose answer is owed is taken");
        await _peer.AnswerAsync(seen, Block);
        await Eventually.TrueAsync(() => IsIdle, ScriptedAgent.Limit, "the slot to come back");
    }

    [Test]
    public async Task CancelOfNothing_SendsNothing()
    {
        _peer.Connection.Cancel(TestEvents.Id(1), CancelReason.Manual);
        var call = Call(TestEvents.Headers(1));
        var seen = await _peer.ReceiveAsync();
        await _peer.AnswerAsync(seen);
        Assert.That((await call).IsAnswered, Is.True);
        _peer.Connection.Cancel(TestEvents.Id(1), CancelReason.Manual);
        Assert.That((IsIdle, _peer.Waiting), Is.EqualTo((true, 0)));
    }

    [Test]
    public async Task PieceThatIsTooLarge_IsNotSent()
    {
        Assert.That(_peer.Connection.Traits.MaxEventBytes, Is.EqualTo(LargestBody));
        var result = await Call(TestEvents.Chunk(1, size: LargestBody + 1));
        Assert.That(result.Outcome, Is.EqualTo(CallOutcome.NotSendable));
        Assert.That(result.Detail, Does.Contain("1001").And.Contain("1000"));
        var fits = Call(TestEvents.Chunk(1, 7, LargestBody));
        var seen = (RequestBodyChunkEvent)await _peer.ReceiveAsync();
        Assert.That(seen.ChunkIndex, Is.EqualTo(7), "the first that came");
        await _peer.AnswerAsync(seen);
        Assert.That((await fits).IsAnswered, Is.True);
    }

    [TestCase("dies")]
    [TestCase("aborted")]
    [TestCase("closed")]
    public async Task End_FailsAllCallsAtOnceWithOneCause(string end)
    {
        var calls = Enumerable.Range(1, kind.Limit(4)).Select(i => Call(TestEvents.Headers(i))).ToList();
        foreach (var _ in calls)
        {
            await _peer.ReceiveAsync();
        }

        var closing = Task.CompletedTask;
        switch (end)
        {
            case "dies":
                _peer.Die();
                break;

            case "aborted":
                _peer.Connection.Abort("we have had enough");
                break;

            default:
                closing = _peer.Connection.DisposeAsync().AsTask();
                break;
        }

        var results = await Task.WhenAll(calls);
        if (end == "closed")
        {
            // What goes out at the end may wait for an agent that is gone, as long as it may.
            await Eventually.TrueAsync(
                () =>
                {
                    _clock.Advance(TimeSpan.FromMilliseconds(100));
                    return closing.IsCompleted;
                },
                ScriptedAgent.Limit, "the close");
            await closing;
        }

        var cause = await _peer.Connection.Ended.WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        var outcome = end == "closed" ? CallOutcome.ShutDown : CallOutcome.ConnectionLost;
        Assert.That(results.Select(static result => result.Outcome), Is.All.EqualTo(outcome));
        Assert.That(results.Select(static result => result.Detail).Distinct().ToList(), Has.Count.EqualTo(1));
        Assert.That(cause, Is.EqualTo(end == "aborted" ? "we have had enough" : cause).And.Not.Empty);
        Assert.That(results[0].Detail, Is.EqualTo(end == "closed" ? results[0].Detail : cause));
        Assert.That((_peer.Connection.IsOpen, IsIdle), Is.EqualTo((false, true)));
        Assert.That((await Call(TestEvents.Headers(9))).Outcome, Is.EqualTo(CallOutcome.ConnectionLost));
    }

    [Test]
    public async Task Release_LeavesNothingHeld_AndTheConnectionGoesOn()
    {
        for (var exchange = 1; exchange <= 3; exchange++)
        {
            var call = Call(TestEvents.Headers(exchange));
            var seen = await _peer.ReceiveAsync();
            await _peer.AnswerAsync(seen);
            await call;
            _peer.Connection.Release(TestEvents.Id(exchange));
            await _peer.ReleasedAsync(TestEvents.Id(exchange));
        }

        Assert.That((IsIdle, _peer.Waiting, _peer.Connection.IsOpen), Is.EqualTo((true, 0, true)));
    }

    [Test]
    public async Task Release_AfterTheEnd_IsNoError()
    {
        var call = Call(TestEvents.Headers(1));
        await _peer.ReceiveAsync();
        _peer.Connection.Abort("crash");
        await call;
        _peer.Connection.Release(TestEvents.Id(1));
        Assert.That(_peer.Connection.IsOpen, Is.False);
    }

    /// <summary>Calls that are answered, late, cancelled or forgotten, in any order, then the end: each ends once and nothing is left.</summary>
    [Test]
    public async Task Storm_EveryCallEndsOnce_AndNothingIsLeft([Range(1, 3)] int seed)
    {
        const int Rounds = 200;
        var random = new Random(seed);
        var calls = new List<Task<CallResult>>();
        var unanswered = new List<AgentEvent>();
        _peer.SkipsCancels = true;
        for (var i = 1; i <= Rounds; i++)
        {
            var call = Call(TestEvents.Headers(i), random.Next(1, 50));
            calls.Add(call);
            if (!call.IsCompleted)
            {
                unanswered.Add(await _peer.ReceiveAsync());
            }

            var chosen = unanswered.Count == 0 ? null : unanswered[random.Next(unanswered.Count)];
            switch (random.Next(4))
            {
                case 0 when chosen is not null:
                    _peer.Connection.Cancel(chosen.CorrelationId, CancelReason.Manual);
                    break;

                case 1:
                    _clock.Advance(TimeSpan.FromMilliseconds(random.Next(1, 60)));
                    break;

                case 2 or 3 when chosen is not null:
                    unanswered.Remove(chosen);
                    await _peer.AnswerAsync(chosen, random.Next(2) == 0 ? Block : null);
                    break;
            }
        }

        _peer.Connection.Abort("the end");
        var results = await Task.WhenAll(calls).WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        await _peer.Connection.Ended.WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That(IsIdle, Is.True);
        Assert.That(results.Count(static result => result.IsAnswered), Is.GreaterThan(5), "the storm is none in which nothing is answered");
        Assert.That(
            results.Select(static result => result.Outcome).Distinct(),
            Is.SubsetOf(new[]
            {
                CallOutcome.Answered, CallOutcome.TimedOut, CallOutcome.Cancelled, CallOutcome.NoRoom, CallOutcome.ConnectionLost,
            }));
    }

    private bool IsIdle => _peer.Connection.Stats is { InFlight: 0, Owed: 0 };

    private Task<CallResult> Call(AgentEvent message, int milliseconds = 1000)
    {
        var deadline = _clock.GetTimestamp() + (milliseconds * _clock.TimestampFrequency / 1000);
        return _peer.Connection.CallAsync(message, deadline).AsTask().WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
    }
}
