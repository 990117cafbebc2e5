using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ReconnectTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger _log = new();

    [Test]
    public void Backoff_DoublesWithinItsBoundsAndStartsAgain([Values(1, 2, 3)] int seed)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(2), new Random(seed));
        for (var failure = 0; failure < 200; failure++)
        {
            var bound = Math.Min(2000, 10 * Math.Pow(2, Math.Min(failure, 30)));
            Assert.That(backoff.Next().TotalMilliseconds, Is.InRange(10, bound), $"failure {failure}");
        }

        backoff.Reset();
        Assert.That(backoff.Next().TotalMilliseconds, Is.EqualTo(10));
    }

    [Test]
    public async Task AbsentAgent_IsDialledForEver_AndComesAliveByItself()
    {
        const int Absent = 100;
        var dialer = new ScriptedDialer(number => number <= Absent ? null : new FakeConnection("a"), _clock);
        await using var pool = new ConnectionPool(
            PoolTests.Settings(1) with { DrainTimeout = TimeSpan.Zero }, dialer, new FillThenSpread(), new Random(7), _clock, _log);
        pool.Start();
        await DialUntilAsync(dialer, Absent + 1);
        await _log.Collector.WaitForAsync(static entry => entry.Id.Id == 1100, ScriptedAgent.Limit);
        Assert.That(pool.IsAvailable, Is.True);
        var gaps = dialer.At.Zip(dialer.At.Skip(1), (from, to) => _clock.GetElapsedTime(from, to)).ToList();
        // A dial is noticed at the next step of the clock, 10 ms at most after its time.
        Assert.That(gaps.Max(), Is.LessThanOrEqualTo(TimeSpan.FromSeconds(2.01)).And.GreaterThan(TimeSpan.FromSeconds(0.5)));
        Assert.That(gaps.Min(), Is.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(10)));
        Assert.That(_log.Collector.GetSnapshot().Count(entry => entry.Id.Id == 1101), Is.EqualTo(1), "one line, not one per attempt");
        Assert.That(_log.Collector.GetSnapshot().Count(entry => entry.Id.Id == 1100), Is.EqualTo(1));
    }

    [Test]
    public async Task ConnectionsThatDieAtOnce_AreDialledWithGrowingPauses()
    {
        const int Dials = 30;
        var dialer = new ScriptedDialer(
            number =>
            {
                var connection = new FakeConnection($"c{number}");
                connection.Abort("died after the handshake");
                return connection;
            },
            _clock);
        await using var pool = new ConnectionPool(
            PoolTests.Settings(1) with { DrainTimeout = TimeSpan.Zero }, dialer, new FillThenSpread(), new Random(3), _clock, _log);
        pool.Start();
        await DialUntilAsync(dialer, Dials);
        var took = _clock.GetElapsedTime(dialer.At.First(), dialer.At.ElementAt(Dials - 1));
        Assert.That(took, Is.GreaterThan(TimeSpan.FromSeconds(5)), "30 dials without growth would take 0.3 s");
        await Eventually.TrueAsync(() => pool.Live.Count == 0, ScriptedAgent.Limit, "the last one to be removed");
    }

    [Test]
    public async Task ConnectionThatLived_IsReplacedAfterTheLeastPause()
    {
        var dialer = new ScriptedDialer(number => number <= 20 ? null : new FakeConnection($"c{number}"), _clock);
        await using var pool = new ConnectionPool(
            PoolTests.Settings(1) with { DrainTimeout = TimeSpan.Zero }, dialer, new FillThenSpread(), new Random(3), _clock, _log);
        pool.Start();
        await DialUntilAsync(dialer, 21);
        await Eventually.TrueAsync(() => pool.Live.Count == 1 && _clock.ArmedTimers == 1, ScriptedAgent.Limit, "the connection and its watch");
        _clock.Advance(TimeSpan.FromSeconds(2));
        pool.Live[0].Connection.Abort("restarted");
        var pause = PoolTests.Settings(1).ReconnectMin;
        await Eventually.TrueAsync(() => _clock.IsArmedFor(pause), ScriptedAgent.Limit, "the least pause: 20 failures before it are forgotten");
        _clock.Advance(pause);
        await Eventually.TrueAsync(() => pool.Live.Count == 1, ScriptedAgent.Limit, "the next connection");
        Assert.That((dialer.Dials, pool.Live[0].Connection.Id), Is.EqualTo((22, "c22")));
    }

    // Up to two seconds of refusals after the agent listened again.
    [Test]
    public async Task AgentWhoseSocketAppears_IsDialledAtOnce_AndSoonAgainIfNobodyListensYet()
    {
        var isUp = false;
        var dialer = new ScriptedDialer(number => Volatile.Read(ref isUp) ? new FakeConnection($"c{number}") : null, _clock);
        await using var pool = new ConnectionPool(
            PoolTests.Settings(4) with { DrainTimeout = TimeSpan.Zero }, dialer, new FillThenSpread(), new Random(7), _clock, _log);
        pool.Start();
        await _clock.StepUntilAsync(TimeSpan.FromMilliseconds(10), () => dialer.Dials >= 20, "long pauses");
        await Eventually.TrueAsync(() => _clock.ArmedTimers == 4, ScriptedAgent.Limit, "all to wait");
        var dials = dialer.Dials;
        dialer.Appeared!();
        await Eventually.TrueAsync(() => dialer.Dials == dials + 1 && _clock.ArmedTimers == 4, ScriptedAgent.Limit, "one dial, without a tick of the clock");
        Assert.That(_clock.IsArmedFor(PoolTests.Settings(1).ReconnectMin), Is.True, "the least pause");
        Volatile.Write(ref isUp, true);
        dialer.Appeared!();
        await Eventually.TrueAsync(() => pool.Live.Count == 4, ScriptedAgent.Limit, "all of them");
        Assert.That(dialer.Appeared, Is.Null, "nobody watches for what is there");
    }

    // The reference replaced one connection per look at its agents, one agent after the other.
    [Test]
    public async Task Defect20_DeadConnections_AreReplacedAllAtTheSameTime()
    {
        var dialer = new TogetherDialer(4);
        await using var pool = new ConnectionPool(
            PoolTests.Settings(4) with { DrainTimeout = TimeSpan.Zero }, dialer, new FillThenSpread(), new Random(7), _clock, _log);
        pool.Start();
        for (var round = 1; round <= 3; round++)
        {
            await _clock.StepUntilAsync(TimeSpan.FromMilliseconds(10), () => pool.Live.Count == 4, "all four: one finds out that the agent is back, and each of the others waits for the rest");
            Assert.That(dialer.Dials, Is.EqualTo(4 * round));
            foreach (var live in pool.Live)
            {
                live.Connection.Abort("restarted");
            }

            await Eventually.TrueAsync(() => pool.Live.All(static live => live.Connection.IsOpen), ScriptedAgent.Limit, "the dead to be removed");
        }
    }

    private async Task DialUntilAsync(ScriptedDialer dialer, int dials)
    {
        while (dialer.Dials < dials)
        {
            var before = dialer.Dials;
            await Eventually.TrueAsync(() => _clock.ArmedTimers == 1 || dialer.Dials > before, ScriptedAgent.Limit, "the pause before the next dial");
            _clock.Advance(TimeSpan.FromMilliseconds(10));
        }
    }

    /// <summary>Connects the first of a number of dials at once, and the others when all of them are under way.</summary>
    private sealed class TogetherDialer(int together) : IAgentDialer
    {
        private readonly Lock _gate = new();
        private TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Endpoint => "memory";

        public int Dials { get; private set; }

        public async Task<IAgentConnection> DialAsync(IConnectionSink sink, CancellationToken cancellation)
        {
            Task all;
            int number;
            lock (_gate)
            {
                (all, number) = (_all.Task, ++Dials);
                if (number % together == 0)
                {
                    _all.SetResult();
                    _all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }
            }

            if (number % together != 1)
            {
                await all.WaitAsync(cancellation);
            }

            return new FakeConnection($"c{number}") { Sink = sink };
        }
    }
}
