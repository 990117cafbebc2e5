using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class UnixSocketProbeTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private string SocketPath => _directory.File("s");

    public void Dispose() => _directory.Dispose();

    [Test]
    public void Check_NothingThere_Missing() => Assert.That(UnixSocketProbe.Check(SocketPath), Is.EqualTo(UnixSocketState.Missing));

    [Test]
    public void Check_PlainFile_NotASocket()
    {
        File.WriteAllText(SocketPath, "");

        Assert.That(UnixSocketProbe.Check(SocketPath), Is.EqualTo(UnixSocketState.NotASocket));
    }

    [TestCase(true, ExpectedResult = UnixSocketState.Listening)]
    [TestCase(false, ExpectedResult = UnixSocketState.Stale)]
    public UnixSocketState Check_BoundSocket_TellsWhetherItListens(bool listen)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(SocketPath));
        if (listen)
        {
            socket.Listen();
        }

        return UnixSocketProbe.Check(SocketPath);
    }

    [Test]
    public void Check_DatagramSocket_OtherType()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(SocketPath));

        Assert.That(UnixSocketProbe.Check(SocketPath), Is.EqualTo(UnixSocketState.OtherType));
    }

    [Test]
    public void Check_NoPermission_Forbidden()
    {
        if (Environment.IsPrivilegedProcess)
        {
            Assert.Ignore("permissions do not bind root");
        }

        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(SocketPath));
        socket.Listen();
        File.SetUnixFileMode(SocketPath, UnixFileMode.None);

        Assert.That(UnixSocketProbe.Check(SocketPath), Is.EqualTo(UnixSocketState.Forbidden));
    }

    [Test]
    public void Check_PathThroughAFile_IsANamedError()
    {
        File.WriteAllText(SocketPath, "");

        var through = SocketPath + "/x";
        Assert.That(() => UnixSocketProbe.Check(through), Throws.InstanceOf<IOException>().With.Message.Contains(through));
    }
}
