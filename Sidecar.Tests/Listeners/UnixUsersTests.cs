using NUnit.Framework;
using Sidecar.Daemon.Listeners;

namespace Sidecar.Tests.Listeners;

[TestFixture]
internal sealed class UnixUsersTests
{
    [TestCase("root", 0u)]
    [TestCase("0", 0u)]
    [TestCase("nobody", 65534u)]
    [TestCase("4000000", 4000000u)]
    public void Find_NameOrNumber_GivesTheId(string user, uint id) => Assert.That(UnixUsers.Find(user), Is.EqualTo(id));

    [TestCase("no-such-user")]
    [TestCase("-1")]
    [TestCase("4294967295")]
    public void Find_Unknown_GivesNull(string user) => Assert.That(UnixUsers.Find(user), Is.Null);
}
