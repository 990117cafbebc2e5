using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Listeners;

/// <summary>
/// A connection as Kestrel has it, which gathers what it writes: its reader may run on the thread of a <see cref="SocketPoller"/>, and what
/// is written goes out on the writer's thread. It says when Kestrel is done with it: until then it counts.
/// </summary>
internal sealed class PolledConnection : DefaultConnectionContext
{
    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SocketPipes _pipes;
    private readonly PipeReader _output;
    private readonly Task _sending;
    private Task _closing = Task.CompletedTask;

    /// <summary>A connection that reads and writes.</summary>
    /// <param name="pipes">The socket as pipes; closed by <see cref="DisposeAsync"/>.</param>
    /// <param name="id">Names it in logs.</param>
    /// <param name="socket">The socket itself.</param>
    /// <param name="sending">How it gathers what it writes (<see cref="PolledPipes"/>).</param>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    public PolledConnection(SocketPipes pipes, string id, Socket socket, PipeOptions sending)
        : base(id)
    {
        (LocalEndPoint, RemoteEndPoint) = (socket.LocalEndPoint, socket.RemoteEndPoint);
        _pipes = pipes;
        var output = new Pipe(sending);
        _output = output.Reader;
        Transport = new Pipes(pipes.Input, output.Writer);
        ConnectionClosed = _closed.Token;
#pragma warning disable CS0618 // Not every pipe calls back; this one does.
        pipes.Input.OnWriterCompleted(static (_, state) => ((PolledConnection)state!).OnInputEnded(), this);
#pragma warning restore CS0618
        _sending = SendAsync();
    }

    /// <summary>Completes when the connection was disposed of.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Ends the connection at once; whoever reads or writes finds its end.</summary>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        _pipes.Shutdown();
        _output.CancelPendingRead();
    }

    /// <summary>What was written goes out, and the socket is closed.</summary>
    public override async ValueTask DisposeAsync()
    {
        try
        {
            await Transport.Input.CompleteAsync().ConfigureAwait(false);
            await Transport.Output.CompleteAsync().ConfigureAwait(false);
            await _sending.ConfigureAwait(false);
        }
        finally
        {
            await _pipes.DisposeAsync().ConfigureAwait(false);
            await _closing.ConfigureAwait(false);
            _ended.TrySetResult();
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    // Who is told runs somebody else's code: not on the thread that reads.
    private void OnInputEnded() => _closing = _closed.CancelAsync();

    private async Task SendAsync()
    {
        try
        {
            while (true)
            {
                var result = await _output.ReadAsync(CancellationToken.None).ConfigureAwait(false);
                if (result.IsCanceled)
                {
                    break;
                }

                foreach (var piece in result.Buffer)
                {
                    await _pipes.Output.WriteAsync(piece, CancellationToken.None).ConfigureAwait(false);
                }

                _output.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    break;
                }
            }
        }
        catch (IOException)
        {
            // The peer is gone; whoever reads finds out, too.
        }
        finally
        {
            // The end of it is found by the poller, and so everything that waits does.
            _pipes.Shutdown();
            await _output.CompleteAsync().ConfigureAwait(false);
        }
    }

    private sealed record Pipes(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}

/// <summary>The pipes of connections: who goes on when something has come, and how much is received, and sent, at once.</summary>
/// <param name="runsOnPoller">Whether who reads goes on, on the thread that received, until its first wait.</param>
/// <param name="segmentSize">Bytes of a segment: a receive, or a send, takes no more.</param>
internal sealed class PolledPipes(bool runsOnPoller, int segmentSize)
{
    /// <summary>How sockets are read.</summary>
    public PipeOptions Receiving { get; } = new(
        readerScheduler: runsOnPoller ? PipeScheduler.Inline : PipeScheduler.ThreadPool, writerScheduler: PipeScheduler.Inline,
        pauseWriterThreshold: SocketPipes.ReadAhead, resumeWriterThreshold: SocketPipes.ReadAhead / 2,
        minimumSegmentSize: segmentSize, useSynchronizationContext: false);

    /// <summary>How what is written is gathered.</summary>
    public PipeOptions Sending { get; } = new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.ThreadPool,
        minimumSegmentSize: segmentSize, useSynchronizationContext: false);
}
