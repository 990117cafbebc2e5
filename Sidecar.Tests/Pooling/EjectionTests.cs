using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

/// <summary>Connections that fail are taken out and brought back (spec §9.3), also after three errors in a row.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class EjectionTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger _log = new();

    [Test]
    public async Task ThreeErrorsInARow_TakeItOut_AnySuccessBetweenKeepsItIn()
    {
        await using var pool = await StartedAsync();
        var connection = pool.Live[0];
        pool.Ejection.Note(connection, CallVerdict.Failure, _clock.GetTimestamp());
        pool.Ejection.Note(connection, CallVerdict.Failure, _clock.GetTimestamp());
        pool.Ejection.Note(connection, CallVerdict.Success, _clock.GetTimestamp());
        pool.Ejection.Note(connection, CallVerdict.Failure, _clock.GetTimestamp());
        pool.Ejection.Note(connection, CallVerdict.Failure, _clock.GetTimestamp());
        Assert.That(connection.TakesNew, Is.True);
        _clock.Advance(TimeSpan.FromSeconds(3));
        pool.Ejection.Note(connection, CallVerdict.Failure, _clock.GetTimestamp());
        Assert.That((connection.TakesNew, pool.State), Is.EqualTo((false, PoolState.Unhealthy)), "the agent has not answered for a while");
        pool.Ejection.Note(connection, CallVerdict.Success, _clock.GetTimestamp());
        Assert.That((connection.TakesNew, pool.State), Is.EqualTo((true, PoolState.Available)), "an answer to an earlier call proves that it lives");
    }

    [Test]
    public async Task Defect21_Ejected_IsPingedAtOnce_AndComesBackOnlyWithASignOfLife()
    {
        await using var pool = await StartedAsync();
        var connection = pool.Live[0];
        var fake = (FakeConnection)connection.Connection;
        fake.SilentFor = TimeSpan.FromSeconds(5);
        Eject(pool);
        await Eventually.TrueAsync(() => fake.Pings == 1, ScriptedAgent.Limit, "a ping");
        for (var look = 0; look < 5; look++)
        {
            await StepAsync(TimeSpan.FromMilliseconds(10));
        }

        Assert.That((connection.IsEjected, fake.Pings), Is.EqualTo((true, 1)), "no byte has come since the ping");
        fake.SilentFor = TimeSpan.Zero;
        await _clock.StepUntilAsync(TimeSpan.FromMilliseconds(10), () => pool.State == PoolState.Available, "its return");
        Assert.That((connection.TakesNew, connection.IsEjected), Is.EqualTo((true, false)));
    }

    [Test]
    public async Task EjectedAgainAndAgain_StaysOutForLonger()
    {
        await using var pool = await StartedAsync();
        var connection = pool.Live[0];
        var longest = TimeSpan.Zero;
        for (var round = 0; round < 6; round++)
        {
            Eject(pool);
            var since = _clock.GetTimestamp();
            await _clock.StepUntilAsync(TimeSpan.FromMilliseconds(10), () => !connection.IsEjected, "its return");
            var took = _clock.GetElapsedTime(since);
            longest = took > longest ? took : longest;
        }

        Assert.That(longest, Is.GreaterThan(TimeSpan.FromMilliseconds(50)), "the first time 10 ms were enough");
    }

    // An agent that answers on others of its connections is slow or picky, not gone: those left would have to carry all.
    [Test]
    public async Task AgentThatAnswers_LosesHalfOfItsConnectionsAtMost()
    {
        var dialer = new ScriptedDialer(static number => number <= 4 ? new FakeConnection($"c{number}") : null, _clock);
        await using var pool = new ConnectionPool(
            PoolTests.Settings(4) with { DrainTimeout = TimeSpan.Zero }, dialer, new FillThenSpread(), new Random(1), _clock, _log);
        pool.Start();
        await Eventually.TrueAsync(() => pool.Live.Count == 4, ScriptedAgent.Limit, "the connections");
        pool.Ejection.Note(pool.Live[3], CallVerdict.Success, _clock.GetTimestamp());
        foreach (var connection in pool.Live)
        {
            for (var i = 0; i < PooledConnection.MaxErrors; i++)
            {
                pool.Ejection.Note(connection, CallVerdict.Failure, _clock.GetTimestamp());
            }
        }

        Assert.That(pool.Live.Count(static connection => connection.IsEjected), Is.EqualTo(2));
        Assert.That(_log.Collector.GetSnapshot().Count(static entry => entry.Message.Contains("in a row failed", StringComparison.Ordinal)), Is.LessThanOrEqualTo(1), "one line for the change");
    }

    private void Eject(ConnectionPool pool)
    {
        for (var i = 0; i < PooledConnection.MaxErrors; i++)
        {
            pool.Ejection.Note(pool.Live[0], CallVerdict.Failure, _clock.GetTimestamp());
        }
    }

    private async Task StepAsync(TimeSpan step)
    {
        _clock.Advance(step);
        await Eventually.TrueAsync(() => _clock.ArmedTimers == 1, ScriptedAgent.Limit, "the watch to sleep again");
    }

    private async Task<ConnectionPool> StartedAsync()
    {
        var dialer = new ScriptedDialer(static number => number == 1 ? new FakeConnection("a") : null, _clock);
        var pool = new ConnectionPool(PoolTests.Settings(1) with { DrainTimeout = TimeSpan.Zero }, dialer, new FillThenSpread(), new Random(1), _clock, _log);
        pool.Start();
        await Eventually.TrueAsync(() => pool.Live.Count == 1 && _clock.ArmedTimers == 1, ScriptedAgent.Limit, "the connection and its watch");
        return pool;
    }
}
