using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Sidecar.Protocol.Transport;

/// <summary>
/// The sending side of a socket: a write goes to the kernel from the caller's memory and on its thread, and waits only when the peer does
/// not read.
/// </summary>
/// <remarks>For one writer at a time, by <see cref="WriteAsync"/> only; <see cref="CancelPendingFlush"/> is safe from any thread.</remarks>
[SuppressMessage("Design", "CA1001", Justification = "A token source that has neither a timer nor a wait handle holds nothing to free.")]
internal sealed class SocketOutput(Socket socket) : PipeWriter, IValueTaskSource<FlushResult>
{
    private static readonly FlushResult Cancelled = new(isCanceled: true, isCompleted: false);

    private readonly Lock _gate = new();
    private CancellationTokenSource _cancel = new();
    private volatile bool _waits;

    // Of the write that waits. Mutable structs: must not be readonly.
    private ManualResetValueTaskSourceCore<FlushResult> _written;
    private ConfiguredValueTaskAwaitable<int>.ConfiguredValueTaskAwaiter _sending;
    private ReadOnlyMemory<byte> _rest;
    private CancellationToken _writers;
    private CancellationTokenSource? _either;
    private Action? _goOn;
    private bool _blocks;
    private bool _isCancelled;
    private bool _isCompleted;

    /// <summary>Lets receives block their thread, except while a write waits for the peer. For before the first write.</summary>
    public void LetReceivesBlock()
    {
        _blocks = true;
        NativeSocket.SetBlocking(socket.SafeHandle, true);
    }

    /// <inheritdoc/>
    /// <returns>
    /// Whether it was cancelled by <see cref="CancelPendingFlush"/>; a failure of the socket is thrown, an <see cref="IOException"/>.
    /// </returns>
    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        if (TakeCancel())
        {
            return new(Cancelled);
        }

        try
        {
            var sent = 0;
            while (sent < source.Length)
            {
                var count = NativeSocket.Send(socket.SafeHandle, source.Span[sent..]);
                if (count == 0)
                {
                    return WaitAndSend(source[sent..], cancellationToken);
                }

                sent += count;
            }

            return new(default(FlushResult));
        }
        catch (Exception e)
        {
            return ValueTask.FromException<FlushResult>(e is ObjectDisposedException ? Closed(e) : e);
        }
    }

    public override void CancelPendingFlush()
    {
        CancellationTokenSource cancel;
        lock (_gate)
        {
            _isCancelled = true;
            if (!_waits)
            {
                return;
            }

            cancel = _cancel;
        }

        cancel.Cancel();
    }

    /// <summary>Nothing more comes: the peer sees the end behind what was written.</summary>
    public override void Complete(Exception? exception = null)
    {
        if (_isCompleted)
        {
            return;
        }

        _isCompleted = true;
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has ended already.
        }
    }

    /// <summary>Not supported: nothing is gathered here.</summary>
    public override void Advance(int bytes) => throw new NotSupportedException();

    /// <inheritdoc cref="Advance"/>
    public override Memory<byte> GetMemory(int sizeHint = 0) => throw new NotSupportedException();

    /// <inheritdoc cref="Advance"/>
    public override Span<byte> GetSpan(int sizeHint = 0) => throw new NotSupportedException();

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        WriteAsync(ReadOnlyMemory<byte>.Empty, cancellationToken);

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token) => _written.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _written.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _written.OnCompleted(continuation, state, token, flags);

    // The peer does not read fast enough: the runtime tells when there is room. A state machine would be an object each time.
    private ValueTask<FlushResult> WaitAndSend(ReadOnlyMemory<byte> rest, CancellationToken cancellation)
    {
        if (!TryWait())
        {
            return new(Cancelled);
        }

        (_rest, _writers) = (rest, cancellation);
        _either = cancellation.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(_cancel.Token, cancellation) : null;
        NativeSocket.SetBlocking(socket.SafeHandle, false);
        _written.Reset();
        var written = new ValueTask<FlushResult>(this, _written.Version);
        Send();
        return written;
    }

    [SuppressMessage("Reliability", "CA2012", Justification = "Awaited by hand, once, as a state machine would.")]
    private void Send()
    {
        try
        {
            while (!_rest.IsEmpty)
            {
                _sending = socket.SendAsync(_rest, SocketFlags.None, (_either ?? _cancel).Token).ConfigureAwait(false).GetAwaiter();
                if (!_sending.IsCompleted)
                {
                    _sending.UnsafeOnCompleted(_goOn ??= GoOn);
                    return;
                }

                _rest = _rest[_sending.GetResult()..];
            }

            EndWait();
            _written.SetResult(default);
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private void GoOn()
    {
        try
        {
            _rest = _rest[_sending.GetResult()..];
        }
        catch (Exception e)
        {
            Fail(e);
            return;
        }

        Send();
    }

    private void Fail(Exception error)
    {
        EndWait();
        if (error is not OperationCanceledException || _writers.IsCancellationRequested)
        {
            _written.SetException(error is SocketException or ObjectDisposedException ? Closed(error) : error);
            return;
        }

        TakeCancel();
        _written.SetResult(Cancelled);
    }

    private void EndWait()
    {
        _waits = false;
        _either?.Dispose();
        (_either, _rest) = (null, default);
        NativeSocket.SetBlocking(socket.SafeHandle, _blocks);
    }

    // False when the wait is cancelled before it begins.
    private bool TryWait()
    {
        lock (_gate)
        {
            if (_cancel.IsCancellationRequested)
            {
                _cancel = new CancellationTokenSource();
            }

            _waits = !_isCancelled;
            _isCancelled = false;
            return _waits;
        }
    }

    private bool TakeCancel()
    {
        lock (_gate)
        {
            var was = _isCancelled;
            _isCancelled = false;
            return was;
        }
    }

    private static IOException Closed(Exception e) => new(e is SocketException ? e.Message : "the connection was closed", e);
}
