using System.Net.Sockets;
using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Listeners;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Listeners;

/// <summary>Who owns the file: giving it up, and a successor that takes the path of a living listener.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class UnixListenerOwnershipTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly FakeLogger<UnixListenerSocket> _log = new();
    private readonly List<Socket> _sockets = [];

    private string SocketPath => _directory.File("http.sock");

    private string[] Names =>
        [.. Directory.GetFileSystemEntries(_directory.FullPath).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal)];

    public void Dispose()
    {
        _sockets.ForEach(socket => socket.Dispose());
        _directory.Dispose();
    }

    [Test]
    public void Unlink_FileStillOurs_IsRemovedOnceAndTheSocketStaysOpen()
    {
        using var listener = Listener();
        using var socket = listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        using var waiting = Connect();

        listener.Unlink();
        listener.Unlink();

        using var accepted = socket.Accept();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Names, Is.Empty);
            Assert.That(accepted.Connected, Is.True);
            Assert.That(_log.Collector.GetSnapshot().Select(entry => entry.Id.Id), Is.EqualTo(new[] { 9001, 9002 }));
        }
    }

    [Test]
    public void Unlink_FileGone_IsHarmless()
    {
        using var listener = Listener();
        using var socket = listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        File.Delete(SocketPath);

        Assert.That(listener.Unlink, Throws.Nothing);
    }

    [Test]
    public void Bind_AnotherListensAndTakeoverIsAllowed_TakesThePathAndTheOldOneLeavesItAlone()
    {
        using var first = Listener();
        var old = first.Bind(new UnixDomainSocketEndPoint(SocketPath));
        using var second = Listener(new UnixListenerOptions { AllowTakeover = true });
        using var successor = second.Bind(new UnixDomainSocketEndPoint(SocketPath));

        first.Unlink();
        old.Dispose();

        using var client = Connect();
        using var accepted = successor.Accept();
        Assert.That(Names, Is.EqualTo(new[] { "http.sock" }));
    }

    [Test]
    public void Connect_WhileListenersReplaceEachOther_NeverFails()
    {
        const int takeovers = 500;

        // A listener's queue takes 4096: these, and as many from before the count knew of it.
        const int connectsPerListener = 2000;
        using var first = Listener();
        using var firstSocket = first.Bind(new UnixDomainSocketEndPoint(SocketPath));
        var generation = 0;
        var connects = Task.Run(() =>
        {
            // Nobody accepts, so no listener's queue may fill up: a connect would wait for ever.
            for (int seen = 0, count = 0; seen < takeovers;)
            {
                var now = Volatile.Read(ref generation);
                (seen, count) = (now, now == seen ? count + 1 : 0);
                if (count < connectsPerListener)
                {
                    using var client = Connect();
                }
            }
        });

        try
        {
            while (generation < takeovers)
            {
                var next = Listener(new UnixListenerOptions { AllowTakeover = true });
                _sockets.Add(next.Bind(new UnixDomainSocketEndPoint(SocketPath)));
                Volatile.Write(ref generation, generation + 1);
            }
        }
        finally
        {
            Volatile.Write(ref generation, takeovers);
        }

        Assert.That(async () => await connects.WaitAsync(TimeSpan.FromSeconds(30)), Throws.Nothing);
    }

    private UnixListenerSocket Listener(UnixListenerOptions? options = null) => new(options ?? new UnixListenerOptions(), _log);

    private Socket Connect()
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(SocketPath));
        return client;
    }
}
