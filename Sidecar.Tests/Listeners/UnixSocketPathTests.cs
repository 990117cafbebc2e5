using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.Listeners;

namespace Sidecar.Tests.Listeners;

[TestFixture]
internal sealed class UnixSocketPathTests
{
    [TestCase("/run/sidecar/http.sock")]
    [TestCase("/a")]
    public void Validate_GoodPath_IsAccepted(string path) => Assert.That(UnixSocketPath.Validate(path), Is.Null);

    [TestCase("", "not absolute")]
    [TestCase("run/x", "not absolute")]
    [TestCase("@abstract", "not absolute")]
    [TestCase("/run/", "names a directory")]
    [TestCase("/run/..", "names a directory")]
    [TestCase("/run/a\0b", "'/run/a?b' holds a control character")]
    [TestCase("/run/a\nb", "'/run/a?b' holds a control character")]
    public void Validate_BadPath_SaysWhy(string path, string expected) =>
        Assert.That(UnixSocketPath.Validate(path), Does.Contain(expected));

    [Test]
    public void Validate_AtTheLimit_CountsBytesNotCharacters()
    {
        // 46 characters of 2 bytes each.
        var prefix = "/run/" + new string('ä', 46) + "/socket";
        var atLimit = prefix + new string('x', UnixSocketPath.MaxBytes - Encoding.UTF8.GetByteCount(prefix));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(UnixSocketPath.Validate(atLimit), Is.Null);
            Assert.That(UnixSocketPath.Validate(atLimit + "x"), Does.Contain("has 108 bytes").And.Contain("allows 107"));
        }
    }

    [Test]
    public void Validate_NoRoomForTheTemporaryName_SaysSo()
    {
        var directory = "/" + new string('d', UnixSocketPath.MaxBytes - UnixSocketPath.TemporaryNameLength - 2);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(UnixSocketPath.Validate(directory + "/a"), Is.Null);
            Assert.That(UnixSocketPath.Validate(directory + "d/a"), Does.Contain("temporary name").And.Contain("makes 108 bytes"));
        }
    }

    [TestCase("/run/sidecar/http.sock", "/run/sidecar/.http.sock.")]
    [TestCase("/http.sock", "/.http.sock.")]
    public void NewTemporary_Room_TellsTheRealNameAndIsFreshEachTime(string path, string start)
    {
        var one = UnixSocketPath.NewTemporary(path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(one, Does.StartWith(start));
            Assert.That(UnixSocketPath.NewTemporary(path), Is.Not.EqualTo(one));
        }
    }

    [Test]
    public void NewTemporary_LongestPath_StillFits()
    {
        var path = "/run/" + new string('x', UnixSocketPath.MaxBytes - 5);

        Assert.That(UnixSocketPath.NewTemporary(path), Has.Length.EqualTo(5 + UnixSocketPath.TemporaryNameLength).And.StartWith("/run/."));
    }
}
