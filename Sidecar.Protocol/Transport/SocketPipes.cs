using System.IO.Pipelines;
using System.Net.Sockets;
using Pipelines.Sockets.Unofficial;

namespace Sidecar.Protocol.Transport;

/// <summary>A socket as a pair of pipes: the one place where that is done, whoever opened the connection and whichever side reads it.</summary>
/// <remarks>
/// A flush ends when the kernel has taken the bytes, so nothing is left to wait for when a connection is closed. Writers must use
/// <see cref="PipeWriter.WriteAsync"/> only: memory asked of <see cref="Output"/> goes back to its pool the moment the socket fails.
/// </remarks>
internal sealed class SocketPipes : IDuplexPipe, IDisposable
{
    /// <summary>Bytes read ahead of the reader unless it says less.</summary>
    public const int ReadAhead = 1024 * 1024;

    // What one receive takes at most.
    private const int SegmentSize = 64 * 1024;

    // As many connections keep a segment for what comes next. The others wait until something is there, which costs two system calls more each
    // time: with so many most are idle.
    private const int MaxKeepers = 32;

    private static readonly PipeOptions Sending = new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.ThreadPool,
        pauseWriterThreshold: 1, resumeWriterThreshold: 1, minimumSegmentSize: SegmentSize, useSynchronizationContext: false);

    private static readonly PipeOptions Receiving = Ahead(ReadAhead);

    private static int _keepers;

    private readonly SocketConnection _connection;
    private readonly bool _keeps;
    private int _isDisposed;

    /// <summary>Takes the socket over and begins to read from it.</summary>
    /// <param name="socket">Connected; closed by <see cref="Dispose"/>.</param>
    /// <param name="readAhead">Bytes that may wait for the reader before no more are received.</param>
    public SocketPipes(Socket socket, int readAhead = ReadAhead)
    {
        _keeps = Interlocked.Increment(ref _keepers) <= MaxKeepers;
        if (!_keeps)
        {
            Interlocked.Decrement(ref _keepers);
        }

        var options = SocketConnectionOptions.InlineReads | SocketConnectionOptions.InlineWrites
            | (_keeps ? SocketConnectionOptions.None : SocketConnectionOptions.ZeroLengthReads);

        // Its loops outlive whatever the caller is doing.
        using (ExecutionContext.SuppressFlow())
        {
            _connection = SocketConnection.Create(socket, Sending, readAhead == ReadAhead ? Receiving : Ahead(readAhead), options);
        }
    }

    /// <inheritdoc/>
    public PipeReader Input => _connection.Input;

    /// <inheritdoc/>
    public PipeWriter Output => _connection.Output;

    /// <summary>A token that fires when nothing more can come: the peer has closed, or the connection has failed or was closed.</summary>
    public CancellationToken WatchEnd()
    {
        var ended = new CancellationTokenSource();
#pragma warning disable CS0618 // Not every pipe calls back; the one that the package receives into does.
        _connection.Input.OnWriterCompleted(static (_, state) => ((CancellationTokenSource)state!).Cancel(), ended);
#pragma warning restore CS0618
        return ended.Token;
    }

    /// <summary>Closes the socket; what was flushed still goes out, and all reading and writing ends. May be called again.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        _connection.Dispose();
        if (_keeps)
        {
            Interlocked.Decrement(ref _keepers);
        }
    }

    private static PipeOptions Ahead(int bytes) => new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline,
        pauseWriterThreshold: bytes, resumeWriterThreshold: bytes / 2, minimumSegmentSize: SegmentSize, useSynchronizationContext: false);
}
