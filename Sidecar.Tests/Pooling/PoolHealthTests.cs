using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class PoolHealthTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger _logger = new();

    [Test]
    public void SameNewsAgain_IsNotNews()
    {
        var health = new PoolHealth("waf", _clock, _logger);
        Assert.That(Enumerable.Range(0, 3).Select(_ => health.Update(static () => PoolState.Available, "/a")), Is.EqualTo(new[] { true, false, false }));
        Assert.That(_logger.Collector.GetSnapshot(), Has.Count.EqualTo(1));
        health.Update(static () => PoolState.Pending, "the last");
        health.Update(static () => PoolState.Pending, "still");
        Assert.That(_logger.Collector.GetSnapshot(), Has.Count.EqualTo(2));
        Assert.That(health.State, Is.EqualTo(PoolState.Pending));
    }

    [TestCase(PoolState.Pending, PoolState.Available, 1100)]
    [TestCase(PoolState.Unhealthy, PoolState.Available, 1100)]
    [TestCase(PoolState.Paused, PoolState.Available, 1109)]
    [TestCase(PoolState.Available, PoolState.Degraded, 1109)]
    [TestCase(PoolState.Available, PoolState.Draining, 1109)]
    [TestCase(PoolState.Available, PoolState.Paused, 1110)]
    [TestCase(PoolState.Pending, PoolState.Unhealthy, 1110)]
    [TestCase(PoolState.Available, PoolState.Pending, 1101)]
    public void EachChange_IsOneLine(int before, int after, int expected)
    {
        var health = new PoolHealth("waf", _clock, _logger);
        health.Update(() => (PoolState)before, "first");
        health.Update(() => (PoolState)after, "then");
        Assert.That(_logger.Collector.GetSnapshot(), Has.Count.EqualTo(2));
        Assert.That(_logger.Collector.GetSnapshot()[1].Id.Id, Is.EqualTo(expected));
        Assert.That(_logger.Collector.GetSnapshot()[1].Message, Does.Contain("waf").And.Contain("then"));
    }

    [Test]
    public void AgentThatComesAndGoes_IsToldSoOncePerMinute()
    {
        var health = new PoolHealth("waf", _clock, _logger);
        Flap(health, 100);
        Assert.That(_logger.Collector.GetSnapshot(), Has.Count.EqualTo(11), "ten changes and one line that says so");
        Assert.That(_logger.Collector.GetSnapshot()[^1].Message, Does.Contain("comes and goes"));

        _clock.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromTicks(1));
        Flap(health, 1);
        Assert.That(_logger.Collector.GetSnapshot(), Has.Count.EqualTo(11));
        _clock.AdvanceTicks(1);
        Flap(health, 1);
        Assert.That(_logger.Collector.GetSnapshot(), Has.Count.EqualTo(13), "the next minute begins anew");
    }

    private static void Flap(PoolHealth health, int times)
    {
        for (var i = 0; i < times; i++)
        {
            health.Update(static () => PoolState.Available, "there");
            health.Update(static () => PoolState.Pending, "gone");
        }
    }
}
