using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NUnit.Framework;
using Sidecar.Daemon.Hosting;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Hosting;

/// <summary>The listener socket inside Kestrel's transport, which listens a second time and disposes the socket.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class UnixListenerTransportTests : IDisposable
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

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

        await using var accepted = await listener.AcceptAsync().AsTask().WaitAsync(Generous);
        Assert.That(accepted, Is.Not.Null);
    }

    [Test]
    public async Task BindAsync_BacklogGiven_HoldsAfterKestrelListensAgain()
    {
        using var owner = new UnixListenerSocket(new UnixListenerOptions { Backlog = 2 }, NullLogger<UnixListenerSocket>.Instance);
        await using var listener = await BindAsync(owner);
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

    private ValueTask<IConnectionListener> BindAsync(UnixListenerSocket owner)
    {
        var options = new SocketTransportOptions();
        owner.ApplyTo(options);
        var factory = new SocketTransportFactory(Options.Create(options), NullLoggerFactory.Instance);
        return factory.BindAsync(new UnixDomainSocketEndPoint(SocketPath));
    }

    private Socket Connect()
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        client.Connect(new UnixDomainSocketEndPoint(SocketPath));
        return client;
    }
}
