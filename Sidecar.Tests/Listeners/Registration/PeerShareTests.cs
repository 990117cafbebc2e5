using NUnit.Framework;
using Sidecar.Daemon.Listeners.Registration;
using Sidecar.Protocol.Transport;

namespace Sidecar.Tests.Listeners.Registration;

public sealed class PeerShareTests
{
    private static readonly PeerCredentials Peer = new(7, 1000, 1000);

    [Test]
    public void SilentProcess_NeverTakesThePlacesOfAnotherOfItsUser_NorOfAnotherUser()
    {
        var places = new PeerShare(2);
        Assert.That((places.TryTake(Peer), places.TryTake(Peer), places.TryTake(Peer)), Is.EqualTo((true, true, false)));
        var second = Peer with { ProcessId = 8 };
        Assert.That((places.TryTake(second), places.TryTake(second), places.TryTake(Peer with { ProcessId = 9 })), Is.EqualTo((true, true, false)), "four of one user");
        Assert.That(places.TryTake(new PeerCredentials(7, 1001, 1001)), Is.True, "another user");

        places.Return(second);
        Assert.That((places.TryTake(Peer), places.TryTake(Peer with { ProcessId = 9 })), Is.EqualTo((false, true)), "a place of the user, not of the process that has its share");
    }

    [Test]
    public void MoreReturnedThanTaken_GivesNobodyMore()
    {
        var places = new PeerShare(1);
        places.Return(Peer);
        Assert.That((places.TryTake(Peer), places.TryTake(Peer)), Is.EqualTo((true, false)));
    }
}
