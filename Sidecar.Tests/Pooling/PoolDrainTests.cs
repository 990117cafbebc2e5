using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

/// <summary>A pool that is closed: it drains first, for as long as it may (spec §9.7).</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class PoolDrainTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger _log = new();

    [Test]
    public async Task NothingIsClosedBeforeTheTimeIsUp()
    {
        var busy = new FakeConnection("a") { InFlight = 1 };
        var pool = await StartedAsync(busy);
        var closing = pool.CloseAsync(TimeSpan.FromSeconds(5), CancellationToken.None);
        var started = _clock.GetTimestamp();
        await _clock.StepUntilAsync(TimeSpan.FromMilliseconds(20), () => _log.Collector.GetSnapshot().Any(static entry => entry.Id.Id == 1106), "the end of the drain");
        Assert.That(_clock.GetElapsedTime(started), Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(5)));
        await _clock.StepUntilAsync(TimeSpan.FromMilliseconds(20), () => closing.IsCompleted, "the end");
        Assert.That(busy.IsOpen, Is.False);
    }

    [Test]
    public async Task CallsThatEndInTime_AreWaitedFor()
    {
        var busy = new FakeConnection("a") { InFlight = 1 };
        var pool = await StartedAsync(busy);
        var closing = pool.CloseAsync(TimeSpan.FromSeconds(5), CancellationToken.None);
        busy.InFlight = 0;
        await _clock.StepUntilAsync(TimeSpan.FromMilliseconds(20), () => closing.IsCompleted, "the end");
        Assert.That(busy.IsOpen, Is.False);
        Assert.That(_log.Collector.GetSnapshot().Select(static entry => entry.Id.Id), Has.None.EqualTo(1106));
    }

    [Test]
    public async Task Abort_EndsTheWait()
    {
        var busy = new FakeConnection("a") { InFlight = 1 };
        var pool = await StartedAsync(busy);
        var closing = pool.CloseAsync(TimeSpan.FromDays(1), new CancellationToken(canceled: true));
        await _clock.StepUntilAsync(TimeSpan.FromMilliseconds(20), () => closing.IsCompleted, "the end");
        Assert.That(busy.IsOpen, Is.False);
    }

    [Test]
    public async Task ACallThatFindsThePoolClosing_IsToldSo()
    {
        var pool = await StartedAsync(new FakeConnection("a"));
        await pool.DisposeAsync();
        Assert.That(pool.Select(null, out var reason), Is.Null);
        Assert.That(reason.Outcome, Is.EqualTo(CallOutcome.ShutDown));
    }

    private async Task<ConnectionPool> StartedAsync(FakeConnection connection)
    {
        var dialer = new ScriptedDialer(number => number == 1 ? connection : null, _clock);
        var pool = new ConnectionPool(PoolTests.Settings(1), dialer, new FillThenSpread(), new Random(1), _clock, _log);
        pool.Start();
        await Eventually.TrueAsync(() => pool.Live.Count == 1 && _clock.ArmedTimers == 1, ScriptedAgent.Limit, "the connection and its watch");
        return pool;
    }
}
