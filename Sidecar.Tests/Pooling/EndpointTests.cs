using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

/// <summary>An agent of several processes: connections spread, one that fails is left alone, the others carry its share until it is back.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class EndpointTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    // The watches of two connections, and the wait for the end of a guest's exchanges.
    private const int GuestTimers = 3;

    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger _log = new();
    private readonly ScriptedDialer _left;
    private readonly ScriptedDialer _right;
    private volatile bool _rightIsUp = true;

    public EndpointTests()
    {
        _left = new ScriptedDialer(static number => new FakeConnection($"left-{number}"), _clock);
        _right = new ScriptedDialer(number => _rightIsUp ? new FakeConnection($"right-{number}") : null, _clock);
    }

    [Test]
    public async Task Connections_AreSpreadOverTheEndpoints()
    {
        await using var pool = await StartedAsync(4);
        Assert.That((At(pool, 0).Length, At(pool, 1).Length), Is.EqualTo((2, 2)));
    }

    [Test]
    public async Task FewerConnectionsThanEndpoints_StillOneEach()
    {
        await using var pool = Pool(1);
        pool.Start();
        await Eventually.TrueAsync(() => pool.Live.Count == 2, ScriptedAgent.Limit, "one each");
        Assert.That((At(pool, 0).Length, At(pool, 1).Length), Is.EqualTo((1, 1)));
    }

    [Test]
    public async Task EndpointThatFails_IsLeftAlone_TheOthersCarryItsShare_AndItComesBack()
    {
        await using var pool = await StartedAsync(4);
        _rightIsUp = false;
        foreach (var connection in At(pool, 1))
        {
            connection.Connection.Abort("crashed");
        }

        await _clock.StepUntilAsync(Step, () => At(pool, 0).Length == 4, "the left one to carry all");
        Assert.That(pool.State, Is.EqualTo(PoolState.Available), "the agent as a whole is fine");
        var dials = _right.Dials;
        var since = _clock.GetTimestamp();
        await _clock.StepUntilAsync(Step, () => _right.Dials >= dials + 10, "ten more attempts");
        Assert.That(_clock.GetElapsedTime(since), Is.GreaterThan(TimeSpan.FromSeconds(2)), "one probe per rest, not one per connection");
        Assert.That(_log.Collector.GetSnapshot().Count(entry => entry.Id.Id == 1111), Is.EqualTo(1));
        _rightIsUp = true;
        await _clock.StepUntilAsync(Step, () => At(pool, 1).Length == 2, "the right one to have its share again");
        await Eventually.TrueAsync(() => At(pool, 0).Count(static connection => connection.IsRetiring) == 2, ScriptedAgent.Limit, "the guests to retire");
        Assert.That(At(pool, 0), Has.Length.EqualTo(4), "guests stay for the exchanges that they have");
        Assert.That(At(pool, 0).Where(static connection => connection.IsRetiring).Select(static connection => connection.TakesNew), Is.All.False);
    }

    [Test]
    public async Task Guest_IsClosedWhenItsExchangesHaveNotUsedItForTheDrainTime()
    {
        await using var pool = await StartedAsync(2, drain: TimeSpan.FromSeconds(5));
        _rightIsUp = false;
        At(pool, 1)[0].Connection.Abort("crashed");
        await _clock.StepUntilAsync(Step, () => At(pool, 0).Length == 2, "a guest");
        _rightIsUp = true;
        await _clock.StepUntilAsync(Step, () => At(pool, 1).Length == 1, "the return");
        await Eventually.TrueAsync(
            () => At(pool, 0).Any(static connection => connection.IsRetiring) && _clock.ArmedTimers == GuestTimers, ScriptedAgent.Limit, "the guest to retire");
        var guest = At(pool, 0).Single(static connection => connection.IsRetiring);
        ((FakeConnection)guest.Connection).InFlight = 1;
        for (var second = 0; second < 20; second++)
        {
            await PassAsync(TimeSpan.FromSeconds(1));
        }

        Assert.That(guest.Connection.IsOpen, Is.True, "a call waits on it");
        ((FakeConnection)guest.Connection).InFlight = 0;
        guest.Release(0);
        for (var second = 0; second < 4; second++)
        {
            await PassAsync(TimeSpan.FromSeconds(1));
        }

        Assert.That(guest.Connection.IsOpen, Is.True, "four seconds ago");
        await _clock.StepUntilAsync(TimeSpan.FromSeconds(1), () => !guest.Connection.IsOpen, "its end");
        await Eventually.TrueAsync(() => pool.Live.Count == 2, ScriptedAgent.Limit, "one each");
    }

    [Test]
    public async Task Retry_PrefersAnotherEndpoint()
    {
        await using var pool = await StartedAsync(4);
        foreach (var lost in pool.Live)
        {
            Assert.That(pool.Select(lost, out _)!.Endpoint, Is.Not.EqualTo(lost.Endpoint), "the process may have died, not just the connection");
        }

        foreach (var connection in At(pool, 1))
        {
            ((FakeConnection)connection.Connection).InFlight = 4;
        }

        Assert.That(pool.Select(At(pool, 0)[0], out _), Is.SameAs(At(pool, 0)[1]), "better the same endpoint than none");
        foreach (var connection in At(pool, 1))
        {
            ((FakeConnection)connection.Connection).InFlight = 0;
        }
    }

    private static PooledConnection[] At(ConnectionPool pool, int endpoint) => [.. pool.Live.Where(connection => connection.Endpoint == endpoint)];

    private ConnectionPool Pool(int connections, TimeSpan drain = default) =>
        new(
            PoolTests.Settings(connections) with { DrainTimeout = drain }, new IAgentDialer[] { _left, _right }, new FillThenSpread(), new Random(5), _clock,
            _log);

    private async Task<ConnectionPool> StartedAsync(int connections, TimeSpan? drain = null)
    {
        // Guests stay for a minute, unless a test is about their end.
        var pool = Pool(connections, drain ?? TimeSpan.FromMinutes(1));
        pool.Start();
        await Eventually.TrueAsync(() => pool.Live.Count == connections && _clock.ArmedTimers == connections, ScriptedAgent.Limit, "all connections");
        return pool;
    }

    private async Task PassAsync(TimeSpan step)
    {
        _clock.Advance(step);
        await Eventually.TrueAsync(() => _clock.ArmedTimers == GuestTimers, ScriptedAgent.Limit, "the watches to sleep again");
    }
}
