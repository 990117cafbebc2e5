using System.IO.Pipelines;
using System.Net.Sockets;

namespace Sidecar.Protocol.Transport;

/// <summary>Receiving when a poller says that there is something.</summary>
internal sealed partial class SocketPipes : IPolledSocket
{
    private readonly SocketPoller? _poller;
    private readonly long _id;
    private int _hasEnded;

    /// <summary>
    /// Takes the socket over, and reads on the poller's thread; with an inline scheduler, whoever reads the input must never block.
    /// </summary>
    /// <param name="socket">Connected; closed by <see cref="Dispose"/>.</param>
    /// <param name="poller">Says when there is something to read.</param>
    /// <param name="options">Of the pipe that is read from; a receive takes a segment at most.</param>
    /// <exception cref="IOException">The poller has ended, or the socket cannot be watched; the socket is still the caller's.</exception>
    public SocketPipes(Socket socket, SocketPoller poller, PipeOptions options)
        : this(socket, options, new SocketOutput(socket))
    {
        socket.Blocking = false;
        _poller = poller;
        _id = poller.Take(this);
        try
        {
            poller.Resume(_id, socket.SafeHandle);
        }
        catch
        {
            poller.Forget(_id, socket.SafeHandle);
            throw;
        }
    }

    void IPolledSocket.OnReadable()
    {
        if (_isDisposed || Volatile.Read(ref _hasEnded) != 0)
        {
            EndPolled(error: null);
            return;
        }

        try
        {
            var count = _socket.Receive(_received.GetSpan(LeastReceive), SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock)
            {
                return;
            }

            if (error != SocketError.Success || count == 0)
            {
                EndPolled(error == SocketError.Success ? null : new IOException(new SocketException((int)error).Message));
                return;
            }

            _received.Advance(count);
            var flushing = _received.FlushAsync();
            if (!flushing.IsCompleted)
            {
                // The kernel would go on to tell of what nobody has room for.
                _poller!.Pause(_socket.SafeHandle);
                _ = ResumeAsync(flushing);
            }
            else if (!GoesOn(flushing.Result))
            {
                EndPolled(error: null);
            }
        }
        catch (Exception e)
        {
            EndPolled(e);
        }
    }

    void IPolledSocket.OnPollerEnded()
    {
        Dispose();
        EndPolled(error: null);
    }

    // Of a socket that is closed here the kernel tells nothing.
    private void CallPoller()
    {
        if (Volatile.Read(ref _hasEnded) == 0)
        {
            _poller?.Call(this);
        }
    }

    private async Task ResumeAsync(ValueTask<FlushResult> flushing)
    {
        try
        {
            if (GoesOn(await flushing.ConfigureAwait(false)))
            {
                _poller!.Resume(_id, _socket.SafeHandle);
                return;
            }

            EndPolled(error: null);
        }
        catch (Exception e)
        {
            EndPolled(e);
        }
    }

    // By the poller's thread, or whoever resumes in its place.
    private void EndPolled(Exception? error)
    {
        if (Interlocked.Exchange(ref _hasEnded, 1) == 0)
        {
            _poller!.Forget(_id, _socket.SafeHandle);
            End(error);
        }
    }
}
