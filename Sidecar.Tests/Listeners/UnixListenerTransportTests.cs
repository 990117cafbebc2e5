using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using Sidecar.Daemon.Listeners;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Listeners;

/// <summary>The listener socket inside the transport that Kestrel is given, which listens a second time and disposes the socket.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class UnixListenerTransportTests : IDisposable
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);
    private static readonly PolledPipes Pipes = new(runsOnPoller: true, segmentSize: 8 * 1024);

    private readonly TempDirectory _directory = new();

    private string SocketPath => _directory.File("native.sock");

    private string[] Names =>
        [.. Directory.GetFileSystemEntries(_directory.FullPath).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal)];

    public void Dispose() => _directory.Dispose();

    [Test]
    public async Task BindAsync_UnixEndPoint_AcceptsWhoConnects()
    {
        using var owner = new UnixListenerSocket(new UnixListenerOptions(), NullLogger<UnixListenerSocket>.Instance);
        await using var listener = await BindAsync(owner);
        using var client = Connect();
        client.Send([1]);

        await using var accepted = await listener.AcceptAsync().AsTask().WaitAsync(Generous);
        Assert.That(accepted, Is.Not.Null);
    }

    [Test]
    public async Task BindAsync_BacklogGiven_HoldsAfterTheLoopListensAgain()
    {
        using var owner = new UnixListenerSocket(new UnixListenerOptions { Backlog = 2 }, NullLogger<UnixListenerSocket>.Instance);
        await using var listener = await BindAsync(owner, maxConnections: 1, backlog: 2);
        using var first = Connect();
        first.Send([1]);
        await using var accepted = await listener.AcceptAsync().AsTask().WaitAsync(Generous);
        var waiting = new List<Socket>();
        try
        {
            // Linux queues one more than asked for.
            for (var i = 0; i < 3; i++)
            {
                waiting.Add(Connect());
            }

            Assert.That(() => waiting.Add(Connect()), Throws.TypeOf<SocketException>());
            Assert.That(UnixSocketProbe.Check(SocketPath), Is.EqualTo(UnixSocketState.Listening), "a full queue is still a listener");
        }
        finally
        {
            waiting.ForEach(socket => socket.Dispose());
        }
    }

    [Test]
    public async Task DisposeAsync_SuccessorHasThePath_LeavesItsFile()
    {
        using var owner = new UnixListenerSocket(new UnixListenerOptions(), NullLogger<UnixListenerSocket>.Instance);
        var listener = await BindAsync(owner);
        using var successorOwner = new UnixListenerSocket(
            new UnixListenerOptions { AllowTakeover = true }, NullLogger<UnixListenerSocket>.Instance);
        await using var successor = await BindAsync(successorOwner);

        owner.Unlink();
        await listener.UnbindAsync();
        await listener.DisposeAsync();

        Assert.That(UnixSocketProbe.Check(SocketPath), Is.EqualTo(UnixSocketState.Listening));
    }

    [Test]
    public async Task DisposeAsync_BeforeUnlink_LeavesTheFileForUnlink()
    {
        var owner = new UnixListenerSocket(new UnixListenerOptions(), NullLogger<UnixListenerSocket>.Instance);
        var listener = await BindAsync(owner);
        await listener.DisposeAsync();
        Assert.That(Names, Is.EqualTo(new[] { "native.sock" }));

        owner.Dispose();

        Assert.That(Names, Is.Empty);
    }

    private ValueTask<IConnectionListener> BindAsync(UnixListenerSocket owner, int maxConnections = 100, int backlog = 4096)
    {
        var accepting = new SocketListenerOptions { Name = "test", MaxConnections = maxConnections, Backlog = backlog };
        return new KestrelTransport(accepting, Generous, Pipes, owner.Bind, NullLogger.Instance)
            .BindAsync(new UnixDomainSocketEndPoint(SocketPath));
    }

    private Socket Connect()
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        client.Connect(new UnixDomainSocketEndPoint(SocketPath));
        return client;
    }

    [Test]
    public async Task SilentConnection_IsNotKestrelsToKeep_AndIsClosedWhenItsTimeIsUp()
    {
        using var owner = new UnixListenerSocket(new UnixListenerOptions(), NullLogger<UnixListenerSocket>.Instance);
        var time = new FakeTimeProvider();
        var accepting = new SocketListenerOptions { Name = "test", MaxConnections = 100, Time = time };
        await using var listener = await new KestrelTransport(accepting, TimeSpan.FromSeconds(30), Pipes, owner.Bind, NullLogger.Instance)
            .BindAsync(new UnixDomainSocketEndPoint(SocketPath));
        using var silent = Connect();
        await Eventually.TrueAsync(() => time.ArmedTimers == 1, Generous, "the wait for the first byte");
        var first = listener.AcceptAsync();
        using var talking = Connect();
        talking.Send([1]);
        await using var accepted = await first.AsTask().WaitAsync(Generous, CancellationToken.None);
        var next = listener.AcceptAsync(CancellationToken.None);

        time.Advance(TimeSpan.FromSeconds(30));
        silent.Blocking = true;
        Assert.That(
            await silent.ReceiveAsync(new byte[1].AsMemory(), CancellationToken.None).AsTask().WaitAsync(Generous, CancellationToken.None), Is.Zero, "closed");
        Assert.That(next.IsCompleted, Is.False);
        await listener.UnbindAsync(CancellationToken.None);
        Assert.That(await next.AsTask().WaitAsync(Generous, CancellationToken.None), Is.Null);
    }
}
