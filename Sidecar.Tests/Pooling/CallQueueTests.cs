using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

/// <summary>Who waits, who goes first, and who has to leave.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class CallQueueTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly object _shop = new();
    private readonly object _blog = new();
    private readonly CallQueue _queue;
    private readonly List<(Waiter Waiter, object Route)> _all = [];
    private int _seats = 100;

    public CallQueueTests() => _queue = new CallQueue(() => _seats);

    [Test]
    public void EqualRoutes_TakeTurns_HoweverManyCallsOneHas()
    {
        Enter(_shop, 10);
        Enter(_blog, 2);
        Assert.That(Served(6), Is.EqualTo(new[] { _shop, _blog, _shop, _blog, _shop, _shop }));
    }

    [Test]
    public void Weights_ShareTheAgent()
    {
        Enter(_shop, 40, weight: 16);
        Enter(_blog, 40, weight: 4);
        Assert.That(Served(20).Count(route => route == _blog), Is.EqualTo(4));
    }

    [Test]
    public void ClientsOfARoute_TakeTurns()
    {
        Enter(_shop, 10, client: "192.0.2.1");
        Enter(_shop, 1, client: "192.0.2.2");
        var order = Waiters(3).Select(static waiter => waiter.Place);
        Assert.That(order, Is.EqualTo(new[] { 1, 11, 2 }));
    }

    [Test]
    public void RouteThatWasIdle_HasNoCreditForIt()
    {
        Enter(_shop, 20);
        Served(10);
        Enter(_blog, 10);
        Assert.That(Served(10).Count(route => route == _blog), Is.EqualTo(5));
    }

    // What an agent has begun to look at costs most when it is lost.
    [Test]
    public void PartsOfExchangesThatHaveBegun_GoBeforeNewOnes()
    {
        var pooled = new PooledConnection(new FakeConnection("a"), _clock);
        Enter(_shop, 3);
        var begun = _queue.Enter(new CallAsk(TestEvents.Headers(9), EventKind.ResponseHeaders, pooled, long.MaxValue), 0, out _)!;
        Assert.That(_queue.IsTurnOf(begun), Is.True);
        _queue.WakeOne(pooled);
        Assert.That((begun.IsWoken, Waiters(0)[0].IsWoken), Is.EqualTo((true, false)));

        // It may wait for something else than the slot that has become free.
        begun.Look();
        _queue.PassOn(begun);
        Assert.That(Waiters(0)[0].IsWoken, Is.True);
    }

    [Test]
    public void PlaceThatIsReachedTooLate_IsRefused_AndOneOfAnotherRouteIsNot()
    {
        Enter(_shop, 10);
        Assert.That(_queue.Enter(Ask(_shop), most: 9, out var result), Is.Null);
        Assert.That((result.Outcome, result.Detail), Is.EqualTo((CallOutcome.Shed, "10 calls would be served first, and there is time for 9")));
        Assert.That(_queue.Enter(Ask(_shop, client: "192.0.2.2"), most: 9, out _), Is.Not.Null, "another client comes before nine of the first");
        Assert.That(_queue.Enter(Ask(_blog), most: 9, out _), Is.Not.Null, "another route likewise");
    }

    [Test]
    public void QueueThatIsFull_MakesRoomForARouteThatHasNobodyInIt()
    {
        _seats = 4;
        Enter(_shop, 4);
        Assert.That(_queue.Enter(Ask(_shop), double.PositiveInfinity, out var full), Is.Null);
        Assert.That(full.Outcome, Is.EqualTo(CallOutcome.QueueFull));
        var all = Waiters(0);
        Assert.That(_queue.Enter(Ask(_blog), double.PositiveInfinity, out _), Is.Not.Null);
        Assert.That(all.Select(static waiter => waiter.IsShed), Is.EqualTo(new[] { false, false, false, true }), "the last of those that have most");
        Assert.That(_queue.Count, Is.EqualTo(4));
        Assert.That(_queue.Enter(Ask(_blog), double.PositiveInfinity, out _), Is.Not.Null, "up to an equal part");
        Assert.That(_queue.Enter(Ask(_blog), double.PositiveInfinity, out _), Is.Null);
    }

    [Test]
    public void WhereMostAreLate_TheNewestGoFirst_UntilMostAreNot()
    {
        Enter(_shop, 20);
        var all = Waiters(0);
        foreach (var late in all.Take(5))
        {
            Assert.That(_queue.IsTurnOf(all[5]), Is.False, "one that is late is chance");
            _queue.Leave(late, WaitEnd.Late);
        }

        Assert.That(_queue.IsTurnOf(all[19]), Is.True);
        _queue.Leave(all[19], WaitEnd.Served);
        Assert.That(_queue.IsTurnOf(all[5]), Is.True);
    }

    // Whoever changes its address with every request is always new.
    [Test]
    public void ClientThatWasServed_IsNotOvertakenByNewOnesForEver()
    {
        Enter(_shop, 1, client: "192.0.2.1");
        Served(1);
        for (var other = 0; other < 10; other++)
        {
            Enter(_shop, 1, client: $"other {other}");
        }

        var again = _queue.Enter(Ask(_shop), double.PositiveInfinity, out _)!;
        var before = 0;
        for (; !_queue.IsTurnOf(again); before++)
        {
            Enter(_shop, 1, client: $"new {before}");
            Served(1);
        }

        Assert.That(before, Is.InRange(10, 21));
    }

    [Test]
    public void ClientsThatWaitForNothing_AreForgotten()
    {
        for (var client = 0; client < QueueShares.MostClients * 3; client++)
        {
            Enter(_shop, 1, client: $"{client}");
            Served(1);
        }

        Assert.That(_queue.Count, Is.Zero);
        Assert.That(_queue.Clients, Is.LessThanOrEqualTo(QueueShares.MostClients));
    }

    private static CallAsk Ask(object route, int weight = 4, string client = "192.0.2.1") => new(
        TestEvents.Headers(1) with { Metadata = new RequestMetadata { ClientIp = client } }, EventKind.RequestHeaders, null, long.MaxValue, route, weight);

    private void Enter(object route, int calls, int weight = 4, string client = "192.0.2.1")
    {
        for (var call = 0; call < calls; call++)
        {
            _all.Add((_queue.Enter(Ask(route, weight, client), double.PositiveInfinity, out _)!, route));
        }
    }

    // Serves so many and says whom; those left when it is none.
    private List<Waiter> Waiters(int count)
    {
        if (count == 0)
        {
            return [.. _all.Select(static one => one.Waiter)];
        }

        var served = new List<Waiter>();
        while (served.Count < count)
        {
            var next = _all.First(one => _queue.IsTurnOf(one.Waiter));
            _all.Remove(next);
            _queue.Leave(next.Waiter, WaitEnd.Served);
            served.Add(next.Waiter);
        }

        return served;
    }

    private List<object> Served(int count)
    {
        var routes = new List<object>();
        while (routes.Count < count)
        {
            var route = _all.First(one => _queue.IsTurnOf(one.Waiter)).Route;
            Waiters(1);
            routes.Add(route);
        }

        return routes;
    }
}
