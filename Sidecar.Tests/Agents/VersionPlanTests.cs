using System.Globalization;
using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Pooling;

namespace Sidecar.Tests.Agents;

/// <summary>Which version of an agent an exchange gets: exactly by weight, and the same for the same client.</summary>
public sealed class VersionPlanTests
{
    [TestCase(new[] { 1, 1 }, new[] { 500, 500 })]
    [TestCase(new[] { 999, 1 }, new[] { 999, 1 })]
    [TestCase(new[] { 90, 10 }, new[] { 900, 100 })]
    [TestCase(new[] { 5, 3, 2 }, new[] { 500, 300, 200 })]
    [TestCase(new[] { 0, 7, 0 }, new[] { 0, 1000, 0 })]
    [TestCase(new[] { 1000, 0, 1000 }, new[] { 500, 0, 500 })]
    public void ByWeight_AThousandExchangesAreSharedExactly(int[] weights, int[] expected)
    {
        var (plan, versions) = Plan(weights);
        Assert.That(Shares(plan, versions, 1000), Is.EqualTo(expected));
    }

    [Test]
    public void ByWeight_NobodyIsEverAWholeExchangeBehindOrAhead()
    {
        var weights = new[] { 13, 5, 2 };
        var (plan, versions) = Plan(weights);
        for (var n = 1; n <= 1000; n++)
        {
            Join(plan);
            for (var i = 0; i < weights.Length; i++)
            {
                Assert.That(versions[i].OpenExchanges, Is.EqualTo(n * weights[i] / 20.0).Within(1.0), $"version {i} after {n} exchanges");
            }
        }
    }

    [Test]
    public void ByWeight_ManyThreads_LoseNoTurn()
    {
        var (plan, versions) = Plan([3, 1]);
        Parallel.For(0, 40_000, _ => Join(plan));
        Assert.That(versions.Select(static version => version.OpenExchanges), Is.EqualTo(new[] { 30_000, 10_000 }));
    }

    [Test]
    public void ByKey_TheSameClientGetsTheSameVersion_AndSharesAreThoseOfTheWeights()
    {
        var (plan, versions) = Plan([80, 20]);
        var keys = Keys(10_000);
        var first = keys.Select(key => Join(plan, key)).ToList();
        Assert.That(keys.Select(key => Join(plan, key)), Is.EqualTo(first));
        Assert.That(first.Count(version => version == versions[1]), Is.EqualTo(2000).Within(200));
    }

    [Test]
    public void ByKey_AChangedWeight_MovesNoMoreClientsThanItMust()
    {
        var versions = Versions(2);
        var keys = Keys(10_000);
        var before = new VersionPlan([new(versions[0], 90), new(versions[1], 10)]);
        var after = new VersionPlan([new(versions[0], 70), new(versions[1], 30)]);
        var moved = keys.Where(key => Join(before, key) != Join(after, key)).ToList();
        Assert.That(moved, Has.Count.EqualTo(2000).Within(200));
        Assert.That(moved.Select(key => Join(after, key)), Is.All.SameAs(versions[1]), "none moves the other way");
    }

    [Test]
    public async Task AVersionThatRetires_LetsNobodyJoin_AndHoldsNothing()
    {
        await using var pool = await new SessionRig().PoolAsync();
        var version = new AgentVersion("1", pool);
        var plan = new VersionPlan(version);
        plan.TryJoin(out var lease);
        var retiring = version.RetireAsync(TimeProvider.System, CancellationToken.None);
        Assert.That((plan.TryJoin(out _), plan.TryJoin(Keys(1)[0], out _), version.OpenExchanges), Is.EqualTo((false, false, 1)));
        lease.Leave();
        await retiring;
        Assert.That(version.OpenExchanges, Is.Zero);
    }

    [TestCase(new[] { 0, 0 })]
    [TestCase(new[] { -1, 2 })]
    [TestCase(new[] { 1001 })]
    public void WeightsThatSayNothing_AreRefusedWithTheValues(int[] weights) =>
        Assert.That(() => Plan(weights), Throws.ArgumentException.With.Message.Contains($"the weights are {string.Join(", ", weights)}; give each 0 to 1000"));

    private static AgentVersion Join(VersionPlan plan)
    {
        Assert.That(plan.TryJoin(out var lease), Is.True);
        return lease.Version;
    }

    private static AgentVersion Join(VersionPlan plan, StickyKey key)
    {
        Assert.That(plan.TryJoin(key, out var lease), Is.True);
        return lease.Version;
    }

    private static int[] Shares(VersionPlan plan, AgentVersion[] versions, int exchanges)
    {
        for (var i = 0; i < exchanges; i++)
        {
            Join(plan);
        }

        return [.. versions.Select(static version => version.OpenExchanges)];
    }

    private static (VersionPlan Plan, AgentVersion[] Versions) Plan(int[] weights)
    {
        var versions = Versions(weights.Length);
        return (new VersionPlan([.. versions.Zip(weights, static (version, weight) => new WeightedVersion(version, weight))]), versions);
    }

    // A version that is only joined needs no connections.
    private static AgentVersion[] Versions(int count) => [.. Enumerable.Range(1, count).Select(static number => new AgentVersion($"{number}", null!))];

    private static List<StickyKey> Keys(int count) =>
        [.. Enumerable.Range(0, count).Select(static number => StickyKey.Of("cookie:sid", number.ToString(CultureInfo.InvariantCulture)))];
}
