using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SelectionPolicyTests
{
    private readonly FakeTimeProvider _clock = new();

    private static IEnumerable<SelectionStrategy> All => Enum.GetValues<SelectionStrategy>();

    [TestCaseSource(nameof(All))]
    public void OnlyThoseThatTakeNewAndHaveRoom_AreChosen(SelectionStrategy strategy)
    {
        var connections = Connections(5);
        ((FakeConnection)connections[0].Connection).InFlight = 4;
        ((FakeConnection)connections[1].Connection).Abort("closed");
        connections[2].Retire();
        var policy = Create(strategy);
        Assert.That(Enumerable.Range(0, 50).Select(_ => policy.Select(connections, connections[4])), Is.All.SameAs(connections[3]));
        Assert.That(policy.Select(connections.AsSpan(0, 3), null), Is.Null);
        Assert.That(policy.Select([], null), Is.Null);
    }

    [TestCaseSource(nameof(All))]
    public void Choice_AllocatesNothing(SelectionStrategy strategy)
    {
        var connections = Connections(8);
        var policy = Create(strategy);
        Assert.That(Allocations.Of(1000, () => policy.Select(connections, connections[3])), Is.Zero);
    }

    [TestCaseSource(nameof(All))]
    public void Name_IsTheWordOfTheConfiguration(SelectionStrategy strategy) =>
        Assert.That(Create(strategy).Name, Is.EqualTo(CallSettings.Strategy.Write(strategy)));

    [TestCase(SelectionStrategy.RoundRobin)]
    [TestCase(SelectionStrategy.LeastConnections)]
    [TestCase(SelectionStrategy.HealthBased)]
    public void Defect29_Equals_AreChosenInTurn(int strategy)
    {
        var connections = Connections(3);
        var policy = Create((SelectionStrategy)strategy);
        var chosen = Enumerable.Range(0, 9).Select(_ => Array.IndexOf(connections, policy.Select(connections, null)));
        Assert.That(chosen, Is.EqualTo(new[] { 0, 1, 2, 0, 1, 2, 0, 1, 2 }));
    }

    [Test]
    public void RoundRobin_SharesAmongThoseThatAreLeft()
    {
        var connections = Connections(4);
        connections[1].Retire();
        var policy = new RoundRobin();
        var chosen = Enumerable.Range(0, 300).CountBy(_ => Array.IndexOf(connections, policy.Select(connections, null))).ToDictionary();
        Assert.That(chosen, Is.EquivalentTo(new Dictionary<int, int> { [0] = 100, [2] = 100, [3] = 100 }), "the one after the missing one does not get double");
    }

    [Test]
    public void Turns_GoOnAfterTheLargestNumber()
    {
        var turns = new Turns();
        Assert.That(turns.Next(0), Is.Zero);
        Assert.That(Enumerable.Range(0, 7).Select(_ => turns.Next(3)), Is.EqualTo(new[] { 0, 1, 2, 0, 1, 2, 0 }));
    }

    [Test]
    public void LeastConnections_TakesTheLeastBusy()
    {
        var connections = Connections(3);
        ((FakeConnection)connections[0].Connection).InFlight = 2;
        ((FakeConnection)connections[1].Connection).InFlight = 1;
        ((FakeConnection)connections[2].Connection).InFlight = 3;
        var policy = new LeastConnections();
        Assert.That(Enumerable.Range(0, 5).Select(_ => policy.Select(connections, null)), Is.All.SameAs(connections[1]));
    }

    [Test]
    public void PowerOfTwo_OfTwoTakesTheLessBusy_OfManyNeverTheBusiest()
    {
        var connections = Connections(4);
        ((FakeConnection)connections[2].Connection).InFlight = 3;
        var policy = new PowerOfTwo(new Random(4));
        Assert.That(
            Enumerable.Range(0, 200).Select(_ => policy.Select(connections, null)).Distinct(),
            Is.EquivalentTo(new[] { connections[0], connections[1], connections[3] }));
        ((FakeConnection)connections[1].Connection).InFlight = 1;
        Assert.That(Enumerable.Range(0, 50).Select(_ => policy.Select(connections.AsSpan(1, 2), null)), Is.All.SameAs(connections[1]));
    }

    [Test]
    public void Random_ReachesAll()
    {
        var connections = Connections(4);
        var policy = new RandomChoice(new Random(4));
        Assert.That(Enumerable.Range(0, 200).Select(_ => policy.Select(connections, null)).Distinct().Count(), Is.EqualTo(4));
    }

    [Test]
    public void Defect29_HealthBased_AvoidsErrorsAndLatency_AndForgetsThem()
    {
        var connections = Connections(3);
        for (var i = 0; i < 20; i++)
        {
            connections[0].History.Add(failed: true, TimeSpan.FromMilliseconds(1), _clock.GetTimestamp());
            connections[1].History.Add(failed: false, TimeSpan.FromMilliseconds(50), _clock.GetTimestamp());
            connections[2].History.Add(failed: false, TimeSpan.FromMilliseconds(1), _clock.GetTimestamp());
        }

        var policy = new HealthBased(_clock);
        Assert.That(Enumerable.Range(0, 6).Select(_ => policy.Select(connections, null)), Is.All.SameAs(connections[2]));
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.That(Enumerable.Range(0, 6).Select(_ => policy.Select(connections, null)).Distinct().Count(), Is.EqualTo(3), "lifetime totals would never forgive");
    }

    [Test]
    public void FillThenSpread_FillsTheEndpointWithTheFewestCalls()
    {
        var connections = Connections(4);
        (connections[2].Endpoint, connections[3].Endpoint) = (1, 1);
        var policy = new FillThenSpread();
        ((FakeConnection)connections[0].Connection).InFlight = 2;
        Assert.That(policy.Select(connections, null), Is.SameAs(connections[2]));
        ((FakeConnection)connections[3].Connection).InFlight = 3;
        Assert.That(policy.Select(connections, null), Is.SameAs(connections[0]), "what the process has to do counts, not the connection");
        ((FakeConnection)connections[0].Connection).InFlight = 4;
        ((FakeConnection)connections[1].Connection).InFlight = 4;
        Assert.That(policy.Select(connections, null), Is.SameAs(connections[2]), "full ones leave the other endpoint");
    }

    private ISelectionPolicy Create(SelectionStrategy strategy) => SelectionPolicies.Create(strategy, _clock, new Random(3));

    private PooledConnection[] Connections(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new PooledConnection(new FakeConnection($"c{i}"), _clock))];
}
