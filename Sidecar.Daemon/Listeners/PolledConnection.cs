using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Listeners;

/// <summary>
/// A connection as Kestrel has it: what a <see cref="SocketPoller"/> finds to read goes into a pipe whose reader may run at once, on the poller's thread,
/// and what is written goes out on the writer's thread. It says when Kestrel is done with it: until then it counts.
/// </summary>
internal sealed class PolledConnection : DefaultConnectionContext, IPolledSocket
{
    // As much as Kestrel's own transport reads ahead.
    private const int ReadAhead = 1024 * 1024;

    // A question with its headers; what is longer comes in pieces.
    private const int ReceiveSize = 8 * 1024;

    private static readonly PipeOptions Sending = new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.ThreadPool, useSynchronizationContext: false);

    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource _came = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _received = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SocketPoller _poller;
    private readonly Socket _socket;
    private readonly PipeWriter _input;
    private readonly PipeReader _output;
    private Task _sending = Task.CompletedTask;
    private Task _resuming = Task.CompletedTask;
    private Task _closing = Task.CompletedTask;
    private long _id;
    private int _hasInputEnded;

    /// <summary>A connection that reads nothing yet.</summary>
    /// <param name="poller">Says when there is something to read.</param>
    /// <param name="socket">Connected; closed by <see cref="DisposeAsync"/>.</param>
    /// <param name="id">Names it in logs.</param>
    /// <param name="reader">Where what reads goes on when something has come.</param>
    public PolledConnection(SocketPoller poller, Socket socket, string id, PipeScheduler reader)
        : base(id)
    {
        (_poller, _socket) = (poller, socket);
        socket.Blocking = false;
        var input = new Pipe(new PipeOptions(
            readerScheduler: reader, writerScheduler: PipeScheduler.ThreadPool, pauseWriterThreshold: ReadAhead, resumeWriterThreshold: ReadAhead / 2,
            minimumSegmentSize: ReceiveSize, useSynchronizationContext: false));
        var output = new Pipe(Sending);
        (_input, _output) = (input.Writer, output.Reader);
        Transport = new Pipes(input.Reader, output.Writer);
        ConnectionClosed = _closed.Token;
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = socket.RemoteEndPoint;
    }

    /// <summary>Completes when the connection was disposed of.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Begins to read and to write.</summary>
    /// <exception cref="IOException">The socket cannot be watched.</exception>
    public void Start()
    {
        _id = _poller.Take(this);
        try
        {
            _poller.Resume(_id, _socket.SafeHandle);
        }
        catch
        {
            _poller.Forget(_id, _socket.SafeHandle);
            throw;
        }

        _sending = SendAsync();
    }

    /// <summary>Waits until there is something to read, or an end; nobody need read it yet.</summary>
    /// <param name="limit">How long.</param>
    /// <param name="time">The clock of that.</param>
    /// <param name="stopping">Ends the wait.</param>
    /// <returns>Whether there is.</returns>
    public async Task<bool> WaitForDataAsync(TimeSpan limit, TimeProvider time, CancellationToken stopping)
    {
        await _came.Task.WaitAsync(limit, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return _came.Task.IsCompleted;
    }

    /// <inheritdoc/>
    public void OnReadable()
    {
        try
        {
            var count = _socket.Receive(_input.GetSpan(ReceiveSize), SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock)
            {
                return;
            }

            _came.TrySetResult();

            if (error != SocketError.Success || count == 0)
            {
                EndInput(error is SocketError.Success ? null : new ConnectionResetException($"the connection has failed: {error}"));
                return;
            }

            _input.Advance(count);
            var flush = _input.FlushAsync(CancellationToken.None);
            if (!flush.IsCompleted)
            {
                // The kernel would go on to tell of an end.
                _poller.Pause(_socket.SafeHandle);
                _resuming = ResumeAsync(flush);
            }
            else if (flush.Result is { IsCompleted: true } or { IsCanceled: true })
            {
                EndInput(error: null);
            }
        }
        catch (Exception e)
        {
            EndInput(e);
        }
    }

    /// <inheritdoc/>
    public void OnPollerEnded()
    {
        Shutdown();
        EndInput(new ConnectionAbortedException("the listener has stopped"));
    }

    /// <summary>Ends the connection at once; whoever reads or writes finds its end.</summary>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        Shutdown();
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
            await _received.Task.ConfigureAwait(false);
            await _resuming.ConfigureAwait(false);
            await _closing.ConfigureAwait(false);
        }
        finally
        {
            _socket.Dispose();
            _ended.TrySetResult();
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    // Too much lies unread; goes on when there is room.
    private async Task ResumeAsync(ValueTask<FlushResult> flush)
    {
        try
        {
            if (await flush.ConfigureAwait(false) is { IsCompleted: false, IsCanceled: false })
            {
                _poller.Resume(_id, _socket.SafeHandle);
                return;
            }

            EndInput(error: null);
        }
        catch (Exception e)
        {
            EndInput(e);
        }
    }

    // By whoever may write into the pipe: the poller's thread, or who resumes in its place.
    private void EndInput(Exception? error)
    {
        if (Interlocked.Exchange(ref _hasInputEnded, 1) != 0)
        {
            return;
        }

        _came.TrySetResult();
        _poller.Forget(_id, _socket.SafeHandle);
        _closing = _closed.CancelAsync();
        _input.Complete(error);
        _received.TrySetResult();
    }

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
                    for (var rest = piece; !rest.IsEmpty;)
                    {
                        rest = rest[await _socket.SendAsync(rest, SocketFlags.None, CancellationToken.None).ConfigureAwait(false)..];
                    }
                }

                _output.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    break;
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer is gone; whoever reads finds out, too.
        }
        finally
        {
            Shutdown();
            await _output.CompleteAsync().ConfigureAwait(false);
            _input.CancelPendingFlush();
        }
    }

    // The poller finds the end of it, and so everything that waits does.
    private void Shutdown()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // The peer is gone already.
        }
        catch (ObjectDisposedException)
        {
            _poller.Call(this);
        }
    }

    private sealed class Pipes(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
