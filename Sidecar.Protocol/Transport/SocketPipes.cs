using System.IO.Pipelines;
using System.Net.Sockets;

namespace Sidecar.Protocol.Transport;

/// <summary>
/// A socket as a pair of pipes: the one place where that is done, whoever opened the connection and whichever side reads it.
/// </summary>
/// <remarks>
/// <para>
/// While there are few connections in the process, each is received from by a thread of its own, which blocks in the kernel and runs the
/// reader until its next wait: no hop between the bytes and who reads them. The others share the runtime's asynchronous sockets. A listener
/// with many clients, whose readers never block, has a <see cref="SocketPoller"/> for all of them. A reader sees no difference.
/// </para>
/// <para>
/// A write ends when the kernel has taken the bytes, so nothing is left to wait for when a connection is closed. Writers use
/// <see cref="PipeWriter.WriteAsync"/> only.
/// </para>
/// </remarks>
internal sealed partial class SocketPipes : IDuplexPipe, IDisposable, IAsyncDisposable
{
    /// <summary>Bytes read ahead of the reader unless it says less.</summary>
    public const int ReadAhead = 1024 * 1024;

    // What one receive takes at most.
    private const int SegmentSize = 64 * 1024;

    // And what it asks for: one byte after the other must not take a segment each.
    private const int LeastReceive = 4 * 1024;

    private static readonly PipeOptions Receiving = MakeAhead(ReadAhead);

    private readonly Socket _socket;
    private readonly PipeWriter _received;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isDisposed;

    /// <summary>Takes the socket over and begins to read from it.</summary>
    /// <param name="socket">Connected; closed by <see cref="Dispose"/>.</param>
    /// <param name="readAhead">Bytes that may wait for the reader before no more are received.</param>
    /// <param name="threads">Where a thread is taken from; null for those of the process.</param>
    public SocketPipes(Socket socket, int readAhead = ReadAhead, ReceiveThreads? threads = null)
        : this(socket, Ahead(readAhead), new SocketOutput(socket))
    {
        HasThread = (threads ?? ReceiveThreads.OfProcess).TryStart(Receive);
        if (HasThread)
        {
            ((SocketOutput)Output).LetReceivesBlock();
        }
        else
        {
            // It outlives whatever the caller is doing.
            using (ExecutionContext.SuppressFlow())
            {
                _ = ReceiveAsync();
            }
        }
    }

    private SocketPipes(Socket socket, PipeOptions receiving, SocketOutput output)
    {
        var pipe = new Pipe(receiving);
        (_socket, _received, Input, Output) = (socket, pipe.Writer, pipe.Reader, output);
    }

    /// <summary>Whether a thread of its own receives.</summary>
    public bool HasThread { get; }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    /// <summary>A token that fires when nothing more can come: the peer has closed, or the connection has failed or was closed.</summary>
    public CancellationToken WatchEnd()
    {
        var ended = new CancellationTokenSource();
#pragma warning disable CS0618 // Not every pipe calls back; ours does.
        Input.OnWriterCompleted(static (_, state) => ((CancellationTokenSource)state!).Cancel(), ended);
#pragma warning restore CS0618
        return ended.Token;
    }

    /// <summary>
    /// Closes the socket; what was written still goes out, and all reading and writing ends. May be called again, also by the reader.
    /// </summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        Shutdown();
        _socket.Dispose();
        CallPoller();

        // Whoever waits for a reader that reads no more.
        _received.CancelPendingFlush();
    }

    /// <summary>Ends all reading and writing; the peer sees the end behind what was written.</summary>
    public void Shutdown()
    {
        try
        {
            // Wakes whoever is blocked in a receive.
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has ended already.
        }
    }

    /// <summary>As <see cref="Dispose"/>, and waits until nothing receives any more.</summary>
    public async ValueTask DisposeAsync()
    {
        Dispose();
        await _ended.Task.ConfigureAwait(false);
    }

    // On a thread of its own.
    private void Receive()
    {
        Exception? error = null;
        try
        {
            while (NativeSocket.Receive(_socket.SafeHandle, _received.GetSpan(LeastReceive)) is > 0 and var count && Take(count))
            {
            }
        }
        catch (Exception e)
        {
            error = e;
        }

        End(error);
    }

    // The reader runs within the flush. False when nothing more is wanted.
    private bool Take(int count)
    {
        _received.Advance(count);
        var flushing = _received.FlushAsync();

        // It is behind: this thread has nothing else to do than to wait for it.
        var flushed = flushing.IsCompleted ? flushing.GetAwaiter().GetResult() : flushing.AsTask().GetAwaiter().GetResult();
        return GoesOn(flushed);
    }

    private async Task ReceiveAsync()
    {
        Exception? error = null;
        try
        {
            while (true)
            {
                // An idle connection has no segment.
                await _socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None).ConfigureAwait(false);
                var count = await _socket.ReceiveAsync(_received.GetMemory(LeastReceive), SocketFlags.None).ConfigureAwait(false);
                if (count == 0)
                {
                    break;
                }

                _received.Advance(count);
                if (!GoesOn(await _received.FlushAsync().ConfigureAwait(false)))
                {
                    break;
                }
            }
        }
        catch (Exception e)
        {
            error = e is SocketException ? new IOException(e.Message, e) : e;
        }

        End(error);
    }

    private bool GoesOn(in FlushResult flushed) => !flushed.IsCompleted && !_isDisposed;

    private void End(Exception? error)
    {
        try
        {
            _received.Complete(_isDisposed ? new IOException("the connection was closed") : error);
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    /// <summary>A pipe whose reader runs with the receive, which waits while this much lies unread, in bytes.</summary>
    internal static PipeOptions Ahead(int bytes) => bytes == ReadAhead ? Receiving : MakeAhead(bytes);

    private static PipeOptions MakeAhead(int bytes) => new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline,
        pauseWriterThreshold: bytes, resumeWriterThreshold: bytes / 2, minimumSegmentSize: SegmentSize, useSynchronizationContext: false);
}
