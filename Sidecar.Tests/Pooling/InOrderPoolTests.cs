using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Agents;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

/// <summary>Agents that take one call at a time, know no pings and no cancels: the pool knows traits, not dialects.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class InOrderPoolTests : IAsyncDisposable
{
    private static readonly ConnectionTraits InOrder = new()
    {
        MaxInFlight = 1,
        IsConcurrent = false,
        Matching = AnswerMatching.InOrder,
        Events = EventSet.All,
        MaxEventBytes = 1024,
        CanCancel = false,
        CanPing = false,
    };

    private readonly SessionRig _rig = new();
    private readonly FakeConnection _a = new("a") { Traits = InOrder };
    private readonly FakeConnection _b = new("b") { Traits = InOrder };

    public async ValueTask DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Test]
    public async Task Silence_SaysNothing()
    {
        await using var pool = await _rig.PoolAsync(_a);
        _a.SilentFor = TimeSpan.FromHours(1);
        var watch = new ConnectionWatch(pool, pool.Live[0], new Random(1), _rig.Clock);
        watch.Look();
        Assert.That(_a.IsOpen, Is.True);
        _a.Traits = InOrder with { CanPing = true };
        watch.Look();
        Assert.That(_a.IsOpen, Is.False, "where a pong was due, it would be dead");
    }

    [Test]
    public async Task Ejected_IsTriedAgainWithoutAPing()
    {
        await using var pool = await _rig.PoolAsync(_a);
        _a.SilentFor = TimeSpan.FromHours(1);
        for (var error = 0; error < PooledConnection.MaxErrors; error++)
        {
            pool.Ejection.Note(pool.Live[0], CallVerdict.Failure, _rig.Clock.GetTimestamp());
        }

        Assert.That(pool.Live[0].TakesNew, Is.False);
        await _rig.Clock.StepUntilAsync(TimeSpan.FromMilliseconds(10), () => pool.Live[0].TakesNew, "its return");
        Assert.That(_a.IsOpen, Is.True);
    }

    [Test]
    public async Task Exchanges_AreSpread_AndKeepTheirConnectionForEveryPhase()
    {
        await using var pool = await _rig.PoolAsync(PoolTests.Settings(2) with { Queue = 4, QueueWait = TimeSpan.FromMilliseconds(10) }, _a, _b);
        var (one, two) = (_rig.Session(pool), _rig.Session(pool, exchange: 2));
        var answer = new TaskCompletionSource<CallResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (var connection in new[] { _a, _b })
        {
            connection.AnswerLater = (_, _) =>
            {
                connection.InFlight = 1;
                return answer.Task;
            };
        }

        var first = _rig.AskAsync(one, TestEvents.Headers(1));
        var second = _rig.AskAsync(two, TestEvents.Headers(2));
        Assert.That((_a.Asked.Count, _b.Asked.Count), Is.EqualTo((1, 1)), "one call at a time on each");
        (_a.InFlight, _b.InFlight) = (0, 0);
        answer.SetResult(CallResult.Answered(AgentResponse.Allow));
        await Task.WhenAll(first, second);
        _a.AnswerLater = _b.AnswerLater = null;
        await _rig.AskAsync(one, TestEvents.Chunk(1));
        await _rig.AskAsync(one, new ResponseHeadersEvent { CorrelationId = TestEvents.Id(1), Status = 200, Headers = new HeaderBlock() });
        await _rig.AskAsync(one, TestEvents.Complete(1));
        var leased = _a.Asked.First().CorrelationId == TestEvents.Id(1) ? _a : _b;
        Assert.That(leased.Asked, Has.Count.EqualTo(4));
        Assert.That(leased.Asked.Select(static asked => asked.CorrelationId), Is.All.EqualTo(TestEvents.Id(1)));
    }
}
