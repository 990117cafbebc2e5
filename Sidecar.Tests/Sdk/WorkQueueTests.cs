using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Sdk;

/// <summary>What taking a worker costs, and what threads that race for one leave behind.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class WorkQueueTests : IDisposable
{
    private readonly AgentServerOptions _options = new() { Capabilities = AgentHarness.Capabilities, SocketPath = "", Workers = 2 };
    private readonly FakeLogger _logger = new();
    private readonly WorkQueue _queue;

    public WorkQueueTests() => _queue = new WorkQueue(_options, _logger);

    [TearDown]
    public void Dispose() => _queue.Dispose();

    [Test]
    public void TakingAWorker_AllocatesNothing_WhetherOneIsFreeOrNot()
    {
        var (first, second, third) = (Work(), Work(), Work());
        Assert.That(_queue.TryBegin(first), Is.True);
        Assert.That(
            Allocations.Of(1000, () =>
            {
                _queue.TryBegin(second);
                _queue.Release(second);
            }),
            Is.Zero);
        Assert.That(_queue.TryBegin(second), Is.True);
        Assert.That(
            Allocations.Of(1000, () =>
            {
                _queue.TryBegin(third);
                _queue.TryRemove(third);
            }),
            Is.Zero);
    }

    [Test]
    public async Task ThreadsThatRace_NeverExceedTheBound_AndGiveEveryWorkerBack()
    {
        const int Each = 20_000;
        var (begun, waited, removed) = (0, 0, 0);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() =>
        {
            var work = Work();
            for (var i = 0; i < Each; i++)
            {
                // What waits is taken out again, unless another gave it its worker meanwhile: then it has begun, on the thread pool, and
                // gives it back.
                if (_queue.TryBegin(work))
                {
                    Interlocked.Increment(ref begun);
                    _queue.Release(work);
                    continue;
                }

                Interlocked.Increment(ref waited);
                if (_queue.TryRemove(work))
                {
                    Interlocked.Increment(ref removed);
                }
                else
                {
                    work = Work();
                }
            }
        })));
        Assert.That(begun + waited, Is.EqualTo(6 * Each));
        await Eventually.TrueAsync(AllAreFree, TimeSpan.FromSeconds(30), "the workers that were handed over to come back");
        TestContext.Out.WriteLine($"{begun} begun, {waited} waited, {removed} taken out");

        bool AllAreFree()
        {
            EventWork[] works = [Work(), Work(), Work()];
            bool[] have = [.. works.Select(_queue.TryBegin)];
            _queue.TryRemove(works[2]);
            foreach (var work in works)
            {
                _queue.Release(work);
            }

            return have is [true, true, false];
        }
    }

    // Of a connection of its own, with a handler that allows.
    private EventWork Work()
    {
        var pair = new DuplexPipePair();
        var handler = new AllowingHandler();
        var dispatcher = new EventDispatcher(
            new AgentConnection("1", pair.Near, handler, _options, _queue, _logger),
            new FrameConnection(pair.Near),
            AgentDialect.Native,
            MessageEncodings.Json,
            handler,
            _options,
            _queue,
            _logger);
        return new ExchangeQueues(dispatcher, 10, long.MaxValue).Enter(SampleEvents.Request(new CorrelationId(1)), null, 0, out _)!;
    }
}
