using NUnit.Framework;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ReachabilityTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly RecordingLogger _logger = new();

    [Test]
    public void SameNewsAgain_IsNotNews()
    {
        var reachability = new Reachability("waf", _clock, _logger);
        for (var i = 0; i < 3; i++)
        {
            reachability.Reached("/a", EventSet.All);
        }

        reachability.Missed(static () => true, "one of several");
        Assert.That(_logger.Entries, Has.Count.EqualTo(1));
        reachability.Missed(static () => false, "the last");
        reachability.Missed(static () => false, "still");
        Assert.That(_logger.Entries, Has.Count.EqualTo(2));
    }

    [Test]
    public void AgentThatComesAndGoes_IsToldSoOncePerMinute()
    {
        var reachability = new Reachability("waf", _clock, _logger);
        Flap(reachability, 100);
        Assert.That(_logger.Entries, Has.Count.EqualTo(11), "ten changes and one line that says so");
        Assert.That(_logger.Entries[^1].Message, Does.Contain("comes and goes"));

        _clock.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromTicks(1));
        Flap(reachability, 1);
        Assert.That(_logger.Entries, Has.Count.EqualTo(11));
        _clock.AdvanceTicks(1);
        Flap(reachability, 1);
        Assert.That(_logger.Entries, Has.Count.EqualTo(13), "the next minute begins anew");
    }

    private static void Flap(Reachability reachability, int times)
    {
        for (var i = 0; i < times; i++)
        {
            reachability.Reached("/a", EventSet.All);
            reachability.Missed(static () => false, "gone");
        }
    }
}
