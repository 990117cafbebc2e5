using NUnit.Framework;
using Sidecar.Daemon.Listeners;

namespace Sidecar.Tests.Listeners;

[TestFixture]
internal sealed class UnixGroupsTests
{
    [TestCase("root", 0u)]
    [TestCase("0", 0u)]
    [TestCase("4000000", 4000000u)]
    public void Find_NameOrNumber_GivesTheId(string group, uint id) => Assert.That(UnixGroups.Find(group), Is.EqualTo(id));

    [TestCase("no-such-group")]
    [TestCase("-1")]
    [TestCase("4294967295")]
    [TestCase("0x10")]
    public void Find_Unknown_GivesNull(string group) => Assert.That(UnixGroups.Find(group), Is.Null);
}
