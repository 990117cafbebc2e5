using NUnit.Framework;
using Sidecar.Daemon.Listeners.Registration;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Listeners.Registration;

public sealed class AttemptLimitTests
{
    private static readonly PeerCredentials Peer = new(7, 1000, 1000);

    [Test]
    public void AttemptsOfASecond_AreBounded_AndTheNextSecondBeginsWithTheFirstAfterIt()
    {
        var time = new FakeTimeProvider();
        var limit = new AttemptLimit(2, time);
        Assert.That((limit.TryCount(Peer), limit.TryCount(Peer), limit.TryCount(Peer)), Is.EqualTo((true, true, false)));
        time.Advance(TimeSpan.FromSeconds(1) - TimeSpan.FromTicks(1));
        Assert.That(limit.TryCount(Peer), Is.False, "one tick before");
        time.AdvanceTicks(1);
        Assert.That((limit.TryCount(Peer), limit.TryCount(Peer), limit.TryCount(Peer)), Is.EqualTo((true, true, false)), "one tick after");
    }

    [Test]
    public void TalkativeProcess_NeverUsesUpTheAttemptsOfAnotherOfItsUser_NorOfAnotherUser()
    {
        var limit = new AttemptLimit(3, new FakeTimeProvider());
        for (var i = 0; i < 1000; i++)
        {
            limit.TryCount(Peer);
        }

        Assert.That(
            (limit.TryCount(Peer), limit.TryCount(Peer with { ProcessId = 8 }), limit.TryCount(new PeerCredentials(9, 1001, 1001))),
            Is.EqualTo((false, true, true)));
        var ofUser = Enumerable.Range(100, 1000).Count(process => limit.TryCount(Peer with { ProcessId = process }));
        Assert.That(ofUser, Is.EqualTo(2), "a user that forks has six in all, of which four are used");
        Assert.That(limit.TryCount(new PeerCredentials(9, 1001, 1001)), Is.True, "another user");
    }

    [Test]
    public void AttemptThatGotAnAgentIn_DoesNotCount()
    {
        var limit = new AttemptLimit(1, new FakeTimeProvider());
        for (var i = 0; i < 50; i++)
        {
            Assert.That(limit.TryCount(Peer), Is.True, $"attempt {i}");
            limit.Forget(Peer);
        }

        Assert.That((limit.TryCount(Peer), limit.TryCount(Peer)), Is.EqualTo((true, false)));
    }
}
