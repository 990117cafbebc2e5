using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class AgentSocketTests : IDisposable
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly TempDirectory _directory = new();

    private string SocketPath => _directory.Socket("s");

    [TearDown]
    public void Dispose() => _directory.Dispose();

    [Test]
    public void FreePath_IsBoundWithTheMode()
    {
        using var socket = AgentSocket.Bind(SocketPath, Mode);
        Assert.That(File.GetUnixFileMode(SocketPath), Is.EqualTo(Mode));
    }

    [Test]
    public async Task StaleSocketFile_IsReplaced()
    {
        // The runtime unlinks the path it was bound to, so the file is moved away and back to outlive its socket.
        using (var dead = Listen(SocketPath))
        {
            File.Move(SocketPath, SocketPath + "x");
        }

        File.Move(SocketPath + "x", SocketPath);
        using var socket = AgentSocket.Bind(SocketPath, Mode);
        socket.Listen();
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath)).WaitAsync(Wire.Limit);
        Assert.That(client.Connected, Is.True);
    }

    [Test]
    public void LiveListener_IsLeftAlone([Values] bool fullQueue)
    {
        using var live = Listen(SocketPath, backlog: 0);
        var clients = new List<Socket>();
        while (fullQueue && clients.Count < 64)
        {
            var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
            clients.Add(client);
            try
            {
                client.Connect(new UnixDomainSocketEndPoint(SocketPath));
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
            {
                break;
            }
        }

        Assert.That(() => AgentSocket.Bind(SocketPath, Mode), Throws.InstanceOf<IOException>().With.Message.Contains("another process listens there"));
        Assert.That(Path.Exists(SocketPath), Is.True);
        clients.ForEach(client => client.Dispose());
    }

    [Test]
    public void OtherFile_IsLeftAlone([Values("", "precious")] string content)
    {
        File.WriteAllText(SocketPath, content);
        Assert.That(() => AgentSocket.Bind(SocketPath, Mode), Throws.InstanceOf<IOException>().With.Message.Contains("no stale socket"));
        Assert.That(File.ReadAllText(SocketPath), Is.EqualTo(content));
    }

    [Test]
    public void Directory_IsLeftAlone()
    {
        Directory.CreateDirectory(SocketPath);
        Assert.That(() => AgentSocket.Bind(SocketPath, Mode), Throws.InstanceOf<IOException>());
        Assert.That(Directory.Exists(SocketPath), Is.True);
    }

    [Test]
    public void MissingDirectory_IsNamed()
    {
        var path = Path.Combine(_directory.FullPath, "none", "s");
        Assert.That(() => AgentSocket.Bind(path, Mode), Throws.InstanceOf<IOException>().With.Message.Contains(path));
    }

    private static Socket Listen(string path, int backlog = 16)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.Listen(backlog);
        return socket;
    }
}
