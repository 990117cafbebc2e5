using System.Collections.Concurrent;
using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Agents;

/// <summary>Where the time of a call went: behind earlier events, in the queue, at the agent.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class CallTimesTests : IAsyncDisposable
{
    private readonly SessionRig _rig = new();
    private readonly FakeConnection _agent = new("a");
    private readonly Queue<TaskCompletionSource<CallResult>> _answers = new();

    public CallTimesTests() => _agent.AnswerLater = (_, _) =>
    {
        _answers.Enqueue(new TaskCompletionSource<CallResult>());
        return _answers.Peek().Task;
    };

    [Test]
    public async Task CallThatWaitsForNothing_IsSentWhenItIsAskedFor()
    {
        await using var pool = await _rig.PoolAsync(_agent);
        var start = _rig.Clock.GetTimestamp();
        var asking = AskAsync(Session(pool), TestEvents.Headers(1));
        var times = await AnswerAfterAsync(7, asking);

        Assert.That((times.Asked, times.Entered, times.Permitted, times.Sent), Is.EqualTo((start, start, start, start)));
        Assert.That((times.Settled, times.Took), Is.EqualTo((_rig.Clock.GetTimestamp(), TimeSpan.FromMilliseconds(7))));
    }

    [Test]
    public async Task EventBehindAnother_EntersWhenThatIsAnswered()
    {
        await using var pool = await _rig.PoolAsync(_agent);
        var session = Session(pool);
        var start = _rig.Clock.GetTimestamp();
        var first = AskAsync(session, TestEvents.Headers(1));
        var second = AskAsync(session, TestEvents.Chunk(1));
        await AnswerAfterAsync(5, first);
        await Eventually.TrueAsync(() => _answers.Count == 1, ScriptedAgent.Limit, "the second call");
        var times = await AnswerAfterAsync(2, second);

        Assert.That((times.Asked, times.Entered, times.Permitted, times.Sent), Is.EqualTo((start, After(start, 5), After(start, 5), After(start, 5))));
        Assert.That(times.Settled, Is.EqualTo(After(start, 7)));
        Assert.That(times.Took, Is.EqualTo(TimeSpan.FromMilliseconds(2)), "the agent is not blamed for the wait");
    }

    [Test]
    public async Task CallInTheQueue_IsPermittedWhenASlotIsFree()
    {
        await using var pool = await _rig.PoolAsync(PoolTests.Settings(1) with { MaxCalls = 1, Queue = 1, QueueWait = TimeSpan.FromMilliseconds(10) }, _agent);
        var start = _rig.Clock.GetTimestamp();
        var first = AskAsync(Session(pool, exchange: 1), TestEvents.Headers(1));
        var second = AskAsync(Session(pool, exchange: 2), TestEvents.Headers(2));
        await AnswerAfterAsync(3, first);
        await Eventually.TrueAsync(() => _answers.Count == 1, ScriptedAgent.Limit, "the second call");
        var times = await AnswerAfterAsync(4, second);

        Assert.That((times.Asked, times.Entered, times.Permitted, times.Sent), Is.EqualTo((start, start, After(start, 3), After(start, 3))));
        Assert.That(times.Settled, Is.EqualTo(After(start, 7)));
    }

    [Test]
    public async Task CallThatIsNotSent_WasNeverPermitted()
    {
        await using var pool = await _rig.PoolAsync();
        var times = await AskAsync(Session(pool), TestEvents.Headers(1));

        Assert.That((times.Permitted, times.Sent), Is.EqualTo((0L, 0L)));
        Assert.That((times.Asked, times.Settled), Is.EqualTo((_rig.Clock.GetTimestamp(), _rig.Clock.GetTimestamp())));
    }

    public ValueTask DisposeAsync() => _agent.DisposeAsync();

    private async Task<CallTimes> AskAsync(AgentSession session, AgentEvent message)
    {
        await session.AskAsync(message, _rig.In(1000));
        return ((TimesOfCalls)session.Observer!).Of(message);
    }

    private async Task<CallTimes> AnswerAfterAsync(int milliseconds, Task<CallTimes> asking)
    {
        _rig.Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
        _answers.Dequeue().SetResult(CallResult.Answered(AgentResponse.Allow));
        return await asking.WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
    }

    private AgentSession Session(ConnectionPool pool, int exchange = 1) => _rig.Session(pool, exchange: exchange, observer: new TimesOfCalls());

    private long After(long start, int milliseconds) => start + (milliseconds * _rig.Clock.TimestampFrequency / 1000);

    private sealed class TimesOfCalls : ICallObserver
    {
        private readonly ConcurrentDictionary<AgentEvent, CallTimes> _times = new(ReferenceEqualityComparer.Instance);

        public CallTimes Of(AgentEvent message) => _times[message];

        public CallResult Check(AgentResponse response) => CallResult.Answered(response);

        public void OnEnded(AgentEvent message, in CallResult result, bool isRetry, in CallTimes times) => _times[message] = times;
    }
}
