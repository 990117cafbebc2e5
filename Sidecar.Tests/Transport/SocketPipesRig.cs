using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

/// <summary>Connections of which one end is <see cref="SocketPipes"/>, and what a test does at the other.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public abstract class SocketPipesRig(SocketPipesRig.Receiver receiver) : IDisposable
{
    private readonly ReceiveThreads _threads = new(receiver == Receiver.Thread ? 1000 : 0);
    private readonly SocketPoller _poller = new("test");

    // More than a socket's buffers take.
    private protected static readonly byte[] Much = [.. Enumerable.Range(0, 4 * 1024 * 1024).Select(static i => (byte)(i % 251))];

    private protected TempDirectory Directory { get; } = new();

    [TearDown]
    public void Dispose()
    {
        _poller.Dispose();
        Directory.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Who receives.</summary>
    public enum Receiver
    {
        /// <summary>A thread of the connection's own.</summary>
        Thread,

        /// <summary>The runtime's asynchronous sockets.</summary>
        Runtime,

        /// <summary>A poller's thread.</summary>
        Poller,
    }

    /// <summary>Two ends of a connection.</summary>
    internal static (Socket Near, Socket Far) Connect(TempDirectory directory)
    {
        var path = directory.Socket(Guid.NewGuid().ToString("N")[..8]);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        var near = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        near.Connect(new UnixDomainSocketEndPoint(path));
        return (near, listener.Accept());
    }

    private protected static (Socket Near, Socket Far) ConnectTcp()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var near = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        near.Connect(listener.LocalEndPoint!);
        return (near, listener.Accept());
    }

    private protected SocketPipes Open(Socket socket, int readAhead = SocketPipes.ReadAhead)
    {
        var pipes = receiver == Receiver.Poller ? new SocketPipes(socket, _poller, SocketPipes.Ahead(readAhead)) : new SocketPipes(socket, readAhead, _threads);
        Assert.That(pipes.HasThread, Is.EqualTo(receiver == Receiver.Thread));
        return pipes;
    }

    private protected Task AssertNoThreadAsync() => Eventually.TrueAsync(() => _threads.Count == 0, Wire.Limit, "the threads' end");

    private protected static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes)..];
        }

        socket.Shutdown(SocketShutdown.Send);
    }

    private protected static async Task<byte[]> ReadAllAsync(PipeReader reader)
    {
        var all = new MemoryStream();
        await reader.CopyToAsync(all).WaitAsync(Wire.Limit);
        return all.ToArray();
    }

    private protected static async Task<byte[]> ReadAllAsync(Socket socket)
    {
        var (buffer, all) = (new byte[64 * 1024], new MemoryStream());
        while (await socket.ReceiveAsync(buffer) is > 0 and var count)
        {
            all.Write(buffer, 0, count);
        }

        return all.ToArray();
    }

    private protected static async Task<byte[]> ReadAsync(Socket socket, int length)
    {
        var bytes = new byte[length];
        for (var read = 0; read < length;)
        {
            read += await socket.ReceiveAsync(bytes.AsMemory(read)) is > 0 and var count ? count : throw new EndOfStreamException();
        }

        return bytes;
    }
}
