using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

/// <summary>An agent that is there and speaks another dialect: left alone for half a minute, named, and told from one that is absent or crashes.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class IncompatibleAgentTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger _log = new();
    private volatile string _how = "";

    [Test]
    public async Task AnotherDialect_IsDialledEveryThirtySeconds_AndIsACauseOfItsOwn()
    {
        _how = "dialect";
        var dialer = new ScriptedDialer(Dial, _clock);
        await using var pool = Pool(dialer);
        pool.Start();
        await Eventually.TrueAsync(() => _clock.ArmedTimers == 1, ScriptedAgent.Limit, "the pause");
        Assert.That(pool.Select(null, out var reason), Is.Null);
        Assert.That(reason.Outcome, Is.EqualTo(CallOutcome.Incompatible));
        Assert.That(pool.Problems, Is.EqualTo(new[] { new EndpointProblem("memory", "attempt 1 failed", IsIncompatible: true) }));
        for (var dials = 2; dials <= 4; dials++)
        {
            _clock.Advance(TimeSpan.FromSeconds(30) - TimeSpan.FromTicks(1));
            Assert.That(dialer.Dials, Is.EqualTo(dials - 1));
            _clock.Advance(TimeSpan.FromTicks(1));
            await Eventually.TrueAsync(() => dialer.Dials == dials && _clock.ArmedTimers == 1, ScriptedAgent.Limit, "the next dial");
        }

        Assert.That(_log.Collector.GetSnapshot().Count(static entry => entry.Message == "agent waf is incompatible, and is dialled every 30 s only: attempt 1 failed"), Is.EqualTo(1));

        _how = "";
        _clock.Advance(TimeSpan.FromSeconds(30));
        await Eventually.TrueAsync(() => pool.IsAvailable, ScriptedAgent.Limit, "another build of it");
        Assert.That(pool.Problems, Is.Empty);
    }

    // One that crashes under the handshake closes without a word too, and has to be back within its backoff.
    [Test]
    public async Task ClosedWithoutAWord_IsDialledAsAnyOther_UntilItHasLastedForTwoSeconds()
    {
        _how = "silence";
        var dialer = new ScriptedDialer(Dial, _clock);
        await using var pool = Pool(dialer);
        pool.Start();
        await Eventually.TrueAsync(() => _clock.ArmedTimers == 1, ScriptedAgent.Limit, "the first pause");
        Assert.That((pool.Select(null, out var reason), reason.Outcome), Is.EqualTo(((PooledConnection?)null, CallOutcome.NoConnection)));
        await StepUntilAsync(dialer, () => pool.Problems[0].IsIncompatible);
        Assert.That(_clock.GetElapsedTime(dialer.At.First()), Is.InRange(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4.1)), "two seconds, and the pause that they ended in");
        Assert.That(dialer.Dials, Is.GreaterThan(5));
    }

    [Test]
    public async Task ClosedWithoutAWord_AFewTimesFarApart_IsDialledAsAnyOther()
    {
        _how = "silence";
        var dialer = new ScriptedDialer(Dial, _clock);
        await using var pool = Pool(dialer);
        pool.Start();
        await StepUntilAsync(dialer, () => pool.Problems is [{ IsIncompatible: true }], TimeSpan.FromSeconds(5));
        Assert.That(dialer.Dials, Is.GreaterThanOrEqualTo(5), "a machine that stands still makes few dials last long");
    }

    [Test]
    public async Task ClosedWithoutAWord_NowAndThen_IsNeverTakenForAnotherDialect()
    {
        _how = "silence now and then";
        var dialer = new ScriptedDialer(Dial, _clock);
        await using var pool = Pool(dialer);
        pool.Start();
        await StepUntilAsync(dialer, () => dialer.Dials == 40);
        Assert.That(_clock.GetElapsedTime(dialer.At.First()), Is.GreaterThan(TimeSpan.FromSeconds(10)));
        Assert.That(pool.Problems.Single().IsIncompatible, Is.False);
    }

    [Test]
    public async Task OneProcessOfTwoThatSpeaksAnotherDialect_DoesNotMakeTheAgentIncompatible()
    {
        var (good, bad) = (
            new ScriptedDialer(number => _how == "down" ? null : new FakeConnection($"good-{number}"), _clock),
            new ScriptedDialer(static _ => throw Error(DialProblem.OtherDialect), _clock));
        await using var pool = new ConnectionPool(
            PoolTests.Settings(1) with { DrainTimeout = TimeSpan.Zero }, [good, bad], new FillThenSpread(), new Random(1), _clock, _log);
        pool.Start();
        await Eventually.TrueAsync(() => pool.Live.Count == 2, ScriptedAgent.Limit, "the good one to carry the other's share");
        Assert.That(pool.Problems.Select(static problem => problem.IsIncompatible), Is.EqualTo(new[] { true }));
        _how = "down";
        foreach (var live in pool.Live)
        {
            live.Connection.Abort("crashed");
        }

        await Eventually.TrueAsync(() => pool.Live.Count == 0, ScriptedAgent.Limit, "their end");
        pool.Select(null, out var reason);
        Assert.That(reason.Outcome, Is.EqualTo(CallOutcome.NoConnection), "the good one may be back at any moment");
    }

    // Not before the pool has taken note of the last step.
    private async Task StepUntilAsync(ScriptedDialer dialer, Func<bool> condition, TimeSpan? step = null)
    {
        while (!condition())
        {
            var before = dialer.Dials;
            await Eventually.TrueAsync(() => _clock.ArmedTimers == 1 || dialer.Dials > before, ScriptedAgent.Limit, "the pause before the next dial");
            _clock.Advance(step ?? Step);
        }
    }

    private ConnectionPool Pool(ScriptedDialer dialer) =>
        new(PoolTests.Settings(1) with { DrainTimeout = TimeSpan.Zero }, dialer, new FillThenSpread(), new Random(1), _clock, _log);

    private FakeConnection? Dial(int number) => _how switch
    {
        "dialect" => throw Error(DialProblem.OtherDialect),
        "silence" => throw Error(DialProblem.ClosedSilently),
        "silence now and then" => number % 4 == 0 ? null : throw Error(DialProblem.ClosedSilently),
        _ => new FakeConnection($"c{number}"),
    };

    private static AgentUnreachableException Error(DialProblem problem) => new("attempt 1 failed", DialProblemException.Error(problem, "as the dialer says it"));
}
