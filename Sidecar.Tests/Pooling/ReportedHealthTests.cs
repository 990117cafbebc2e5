using NUnit.Framework;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ReportedHealthTests
{
    private readonly FakeTimeProvider _clock = new();

    [TestCase(HealthState.Draining)]
    [TestCase(HealthState.Unhealthy)]
    public void NothingNew_UntilTheReportExpires(int state)
    {
        var connection = Connection();
        connection.Apply(new HealthStatus { State = (HealthState)state, ValidUntilMs = InMs(500) });
        _clock.AdvanceTicks(TimeSpan.FromMilliseconds(500).Ticks - 1);
        Assert.That((connection.TakesNew, connection.Health), Is.EqualTo((false, (HealthState)state)));
        _clock.AdvanceTicks(1);
        Assert.That((connection.TakesNew, connection.Health), Is.EqualTo((true, HealthState.Unknown)));
        connection.Apply(new HealthStatus { State = (HealthState)state });
        _clock.Advance(TimeSpan.FromDays(30));
        Assert.That(connection.TakesNew, Is.False, "it named no end");
        connection.Apply(new HealthStatus { State = HealthState.Healthy });
        Assert.That(connection.TakesNew, Is.True);
    }

    [TestCase(1.5f, 1.5)]
    [TestCase(0.5f, 1)]
    [TestCase(-3f, 1)]
    [TestCase(float.NaN, 1)]
    [TestCase(float.PositiveInfinity, 10)]
    [TestCase(1e30f, 10)]
    public void Degraded_StretchesWithinReason(float said, double expected)
    {
        var connection = Connection();
        connection.Apply(new HealthStatus { State = HealthState.Degraded, TimeoutMultiplier = said, ValidUntilMs = InMs(100) });
        Assert.That(connection.TakesNew, Is.True);
        Assert.That(connection.TimeoutMultiplier, Is.EqualTo(expected));
        _clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.That(connection.TimeoutMultiplier, Is.EqualTo(1));
    }

    [TestCase(0ul)]
    [TestCase(1ul)]
    [TestCase(ulong.MaxValue)]
    public void OddEnds_AreTakenAsTheyAre(ulong until)
    {
        var connection = Connection();
        connection.Apply(new HealthStatus { State = HealthState.Draining, ValidUntilMs = until });
        Assert.That(connection.TakesNew, Is.EqualTo(until < ulong.MaxValue));
    }

    private PooledConnection Connection() => new(new FakeConnection("a"), _clock);

    private ulong InMs(int milliseconds) => (ulong)_clock.GetUtcNow().ToUnixTimeMilliseconds() + (ulong)milliseconds;
}
