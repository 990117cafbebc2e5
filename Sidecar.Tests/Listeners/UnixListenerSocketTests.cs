using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Listeners;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Listeners;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class UnixListenerSocketTests : IDisposable
{
    private const UnixFileMode Shared =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private readonly TempDirectory _directory = new();
    private readonly FakeLogger<UnixListenerSocket> _log = new();

    private string SocketPath => _directory.File("http.sock");

    private string[] Names =>
        [.. Directory.GetFileSystemEntries(_directory.FullPath).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal)];

    public void Dispose() => _directory.Dispose();

    [Test]
    public void Bind_FreePath_ListensThereWithTheDefaultModeAndLeavesNothingElse()
    {
        using var listener = Listener();
        using var socket = listener.Bind(new UnixDomainSocketEndPoint(SocketPath));

        using var accepted = ConnectAndAccept(socket);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(accepted.Connected, Is.True);
            Assert.That(File.GetUnixFileMode(SocketPath), Is.EqualTo(Shared));
            Assert.That(Names, Is.EqualTo(new[] { "http.sock" }));
        }
    }

    [Test]
    public void Bind_ModeGiven_FileHasItWhateverTheUmask()
    {
        const UnixFileMode everybody = Shared | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        using var listener = Listener(new UnixListenerOptions { Mode = everybody });
        using var socket = listener.Bind(new UnixDomainSocketEndPoint(SocketPath));

        Assert.That(File.GetUnixFileMode(SocketPath), Is.EqualTo(everybody));
    }

    [Test]
    public void Bind_GroupGiven_FileHasIt()
    {
        // Whoever runs the tests may give a file to the group it has anyway; only root can give it to another.
        var group = Environment.IsPrivilegedProcess ? UnixGroups.Find("daemon") : FileIdentity.Read(_directory.FullPath)?.Group;
        using var listener = Listener(new UnixListenerOptions { Group = $"{group}" });
        using var socket = listener.Bind(new UnixDomainSocketEndPoint(SocketPath));

        Assert.That(FileIdentity.Read(SocketPath)?.Group, Is.EqualTo(group).And.Not.Null);
    }

    [Test]
    public void Bind_UnknownGroup_IsRefusedAndLeavesNothing()
    {
        using var listener = Listener(new UnixListenerOptions { Group = "no-such-group" });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Refusal(listener), Does.Contain("no-such-group").And.Contain(SocketPath).And.Contain("create it"));
            Assert.That(Names, Is.Empty);
        }
    }

    [Test]
    public void Bind_StaleFile_IsReplaced()
    {
        LeaveStaleSocket();
        using var listener = Listener();
        using var socket = listener.Bind(new UnixDomainSocketEndPoint(SocketPath));

        using var accepted = ConnectAndAccept(socket);
        Assert.That(_log.Collector.GetSnapshot(), Has.One.Matches<FakeLogRecord>(entry => entry.GetStructuredStateValue("Found") == "Stale"));
    }

    [Test]
    public void Defect39_Bind_AnotherListens_IsRefusedAndTheOtherGoesOn()
    {
        using var first = Listener();
        using var living = first.Bind(new UnixDomainSocketEndPoint(SocketPath));
        using var second = Listener();

        var refusal = Refusal(second);
        using var probe = living.Accept();
        using var accepted = ConnectAndAccept(living);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(refusal, Is.EqualTo($"another process listens on {SocketPath}; stop it or choose another path"));
            Assert.That(Names, Is.EqualTo(new[] { "http.sock" }));
        }
    }

    [TestCase("file")]
    [TestCase("directory")]
    [TestCase("link")]
    public void Defect39_Bind_SomethingElseIsThere_IsRefusedAndLeftAlone(string kind)
    {
        var target = _directory.File("target");
        File.WriteAllText(target, "kept");
        switch (kind)
        {
            case "file":
                File.Copy(target, SocketPath);
                break;
            case "directory":
                Directory.CreateDirectory(SocketPath);
                break;
            default:
                File.CreateSymbolicLink(SocketPath, target);
                break;
        }

        using var listener = Listener(new UnixListenerOptions { AllowTakeover = true });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Refusal(listener), Does.Contain(SocketPath).And.Contain("is not a socket").And.Contain("left alone"));
            Assert.That(Names, Is.EqualTo(new[] { "http.sock", "target" }));
            Assert.That(kind == "directory" ? "kept" : File.ReadAllText(SocketPath), Is.EqualTo("kept"));
        }
    }

    [Test]
    public void Bind_DatagramSocketInUse_IsRefusedEvenWithTakeover()
    {
        using var other = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        other.Bind(new UnixDomainSocketEndPoint(SocketPath));
        using var listener = Listener(new UnixListenerOptions { AllowTakeover = true });

        Assert.That(Refusal(listener), Does.Contain("socket of another type"));
    }

    [Test]
    public void Bind_NoSuchDirectory_IsRefusedWithTheDirectory()
    {
        using var listener = Listener();
        var path = _directory.File("missing/http.sock");

        Assert.That(
            () => listener.Bind(new UnixDomainSocketEndPoint(path)),
            Throws.TypeOf<ListenerSocketException>().With.Message.Contains(_directory.File("missing")).And.Message.Contains("must exist"));
    }

    [Test]
    public void Bind_SecondTimeWhileOwningAFile_Throws()
    {
        using var listener = Listener();
        using var socket = listener.Bind(new UnixDomainSocketEndPoint(SocketPath));

        Assert.That(
            () => listener.Bind(new UnixDomainSocketEndPoint(_directory.File("b.sock"))),
            Throws.InvalidOperationException.With.Message.Contains(SocketPath));
    }

    [Test]
    public void Bind_LoopbackEndPoint_IsBoundAsKestrelWould()
    {
        using var listener = Listener();
        using var socket = listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        Assert.That(((IPEndPoint)socket.LocalEndPoint!).Port, Is.Not.Zero);
    }

    private UnixListenerSocket Listener(UnixListenerOptions? options = null) => new(options ?? new UnixListenerOptions(), _log);

    private string Refusal(UnixListenerSocket listener) =>
        Assert.Throws<ListenerSocketException>(() => listener.Bind(new UnixDomainSocketEndPoint(SocketPath)))!.Message;

    private void LeaveStaleSocket()
    {
        var crashed = Listener();
        crashed.Bind(new UnixDomainSocketEndPoint(SocketPath)).Dispose();
        Assert.That(UnixSocketProbe.Check(SocketPath), Is.EqualTo(UnixSocketState.Stale));
    }

    private Socket Connect()
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(SocketPath));
        return client;
    }

    private Socket ConnectAndAccept(Socket listening)
    {
        using var client = Connect();
        return listening.Accept();
    }
}
