using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections;

public sealed class SocketFileWatchTests
{
    [TestCase(false)]
    [TestCase(true)]
    public async Task SocketThatIsMade_OrRenamedToItsName_IsToldOf_AndNoOther(bool isRenamed)
    {
        var appearances = 0;
        using var directory = new TempDirectory();
        var path = directory.Socket("agent");
        using var watch = SocketFileWatch.TryStart(path, () => Interlocked.Increment(ref appearances));
        using var other = Bound(directory.Socket("other"));
        using var agent = Bound(isRenamed ? directory.Socket("agent.new") : path);
        if (isRenamed)
        {
            File.Move(directory.Socket("agent.new"), path);
        }

        await Eventually.TrueAsync(() => Volatile.Read(ref appearances) > 0, ScriptedAgent.Limit, "the news");
        Assert.That(appearances, Is.EqualTo(1));
    }

    [Test]
    public void FolderThatIsMissing_IsNoError() => Assert.That(SocketFileWatch.TryStart("/nowhere/at/all/agent.sock", static () => { }), Is.Null);

    private static Socket Bound(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        return socket;
    }
}
