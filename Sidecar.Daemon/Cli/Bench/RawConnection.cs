using System.Buffers.Binary;
using System.Net.Sockets;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>A connection to an echo and the workers that share it.</summary>
internal sealed class RawConnection : IFrameHandler, IAsyncDisposable
{
    private readonly SocketPipes _pipes;
    private readonly FrameConnection _frames;
    private readonly RawCaller[] _callers;
    private readonly Task _running;

    private RawConnection(Socket socket, int callers, int size)
    {
        _pipes = new SocketPipes(socket);
        _frames = new FrameConnection(_pipes);
        _callers = [.. Enumerable.Range(0, callers).Select(slot => new RawCaller(_frames, slot, size))];
        _running = _frames.RunAsync(this);
    }

    /// <summary>The workers.</summary>
    public IReadOnlyList<ICaller> Callers => _callers;

    public static async Task<RawConnection> OpenAsync(string path, int callers, int size, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation).ConfigureAwait(false);
        return new RawConnection(socket, callers, size);
    }

    public void OnFrame(MessageType type, ReadOnlyMemory<byte> payload) =>
        _callers[BinaryPrimitives.ReadInt32BigEndian(payload.Span)].Complete(null);

    public void OnEnd(FrameConnectionEnd end, Exception? error)
    {
    }

    public async ValueTask DisposeAsync()
    {
        _frames.Close();
        await _running.ConfigureAwait(false);
        await _pipes.DisposeAsync().ConfigureAwait(false);
    }
}
