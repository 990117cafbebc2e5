using System.Diagnostics;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using Sidecar.Protocol.Framing;

namespace Sidecar.Protocol.Transport;

/// <summary>The write side of a connection: many callers append whole frames, one loop writes and flushes what has gathered.</summary>
/// <remarks>
/// The flush in flight is the batching window: while it lasts, frames gather in the fill buffer, and the next round takes them all.
/// Callers only ever touch the fill buffer, never the pipe, because asking a pipe for memory during an unfinished flush is not safe.
/// The loop sleeps on a reusable signal, so neither side allocates in the steady state. Who appends while working through what a receive
/// brought flushes at the end of that (<see cref="FlushBatch"/>). Else it is woken through the thread pool's common queue, behind what is
/// ready to run already: those who are about to send get their frames into the same flush. What nobody waits for does not wake it, and goes
/// with what comes next, or by itself soon after.
/// </remarks>
internal sealed class FrameOutput(PipeWriter pipe, int limit, FrameFormat? format = null, TimeProvider? time = null)
    : IValueTaskSource, IThreadPoolWorkItem
{
    private const int InitialCapacity = 16 * 1024;
    private const int LargestKept = 256 * 1024;
    private const int FlushesUntilTrim = 256;

    // Two with what a timer takes to fire: nobody keeps what the news is about for longer.
    private static readonly TimeSpan LongestLinger = TimeSpan.FromMilliseconds(1);

    // The pause threshold of the sockets' pipes.
    private const int PieceLength = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly FrameFormat _format = format ?? FrameFormat.Native;

    // Of what lingers alone, which is nobody's deadline: real time unless a test says otherwise.
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    // Mutable struct: must not be readonly. The loop runs on in the work item that wakes it.
    private ManualResetValueTaskSourceCore<bool> _wake;
    // Empty until something is sent: a connection that only waits costs none.
    private byte[] _fill = [];
    private byte[] _spare = [];
    private TaskCompletionSource? _room;
    private ITimer? _linger;
    private int _filled;
    private int _flushesSinceFull;
    private bool _idle;
    private bool _closing;
    private bool _dead;

    public long FramesSent { get; private set; }

    public long Flushes { get; private set; }

    /// <summary>Whether it takes no more frames.</summary>
    public bool IsClosed => Volatile.Read(ref _closing);

    /// <summary>Appends bytes that are a whole frame already. A frame larger than the limit is taken when nothing else waits.</summary>
    public SendStatus TryAppend(ReadOnlySpan<byte> frame) => Append(null, 0, frame);

    /// <summary>Appends a frame of this type, with the header of the output's format.</summary>
    public SendStatus TryAppend(byte type, ReadOnlySpan<byte> payload) => Append(_format, type, payload);

    /// <summary>
    /// The same for a frame that nobody waits for: it goes with the next that somebody does wait for, at most 2 ms later in any case.
    /// </summary>
    public SendStatus TryAppendUnhurried(byte type, ReadOnlySpan<byte> payload) => Append(_format, type, payload, isUnhurried: true);

    // The format is null where there is no header to write.
    private SendStatus Append(FrameFormat? framing, byte type, ReadOnlySpan<byte> payload, bool isUnhurried = false)
    {
        var header = framing?.HeaderSize ?? 0;
        var length = header + payload.Length;
        bool wake;
        lock (_gate)
        {
            if (_closing)
            {
                return SendStatus.Closed;
            }

            if (_filled > 0 && _filled + length > limit)
            {
                return SendStatus.Full;
            }

            if (_fill.Length - _filled < length)
            {
                Array.Resize(ref _fill, Math.Max(Math.Max(InitialCapacity, _fill.Length * 2), _filled + length));
            }

            framing?.WriteHeader(_fill.AsSpan(_filled), type, payload.Length);
            payload.CopyTo(_fill.AsSpan(_filled + header));
            _filled += length;
            FramesSent++;
            wake = _idle && !isUnhurried;
            _idle &= isUnhurried;
            if (_idle)
            {
                _linger ??= _time.CreateTimer(
                    static state => ((FrameOutput)state!).EndLinger(), this, LongestLinger, Timeout.InfiniteTimeSpan);
            }
        }

        if (wake && !FlushBatch.TryAdd(this))
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        return SendStatus.Sent;
    }

    /// <summary>Completes when the fill buffer was emptied or the output ended; the caller then tries again.</summary>
    public Task WaitForRoomAsync()
    {
        lock (_gate)
        {
            return _closing || _filled == 0
                ? Task.CompletedTask
                : (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>
    /// Takes no more frames; the loop ends when what has gathered is written, or at once when <paramref name="discard"/> is set.
    /// </summary>
    public void Close(bool discard)
    {
        bool wake;
        TaskCompletionSource? room;
        lock (_gate)
        {
            _closing = true;
            _dead |= discard;
            wake = _idle;
            _idle = false;
            (room, _room) = (_room, null);
            _linger?.Dispose();
        }

        room?.TrySetResult();
        if (discard)
        {
            pipe.CancelPendingFlush();
        }

        if (wake)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>Writes until closed. Returns null on a clean end, else the error.</summary>
    public async Task<Exception?> RunAsync()
    {
        try
        {
            while (true)
            {
                var count = Take(out var wait, out var room);
                room?.TrySetResult();
                if (count < 0)
                {
                    return null;
                }

                if (count == 0)
                {
                    await wait.ConfigureAwait(false);
                    continue;
                }

                // In pieces, so that the pipe holds one of them and not the whole batch a second time.
                for (var sent = 0; sent < count; sent += PieceLength)
                {
                    var result = await pipe.WriteAsync(_spare.AsMemory(sent, Math.Min(PieceLength, count - sent))).ConfigureAwait(false);
                    if (result.IsCompleted)
                    {
                        return new IOException("the peer closed its reading side");
                    }

                    // The cancel of a flush is spent on one piece; the next would wait for ever.
                    if (result.IsCanceled && Volatile.Read(ref _dead))
                    {
                        return null;
                    }
                }

                Flushes++;
                Trim(count);
            }
        }
        catch (Exception e)
        {
            return e;
        }
        finally
        {
            Close(discard: true);
        }
    }

    /// <summary>Runs the loop, which sleeps, on this thread until its first real wait. Only for whoever was told to wake it.</summary>
    public void Wake() => _wake.SetResult(true);

    void IThreadPoolWorkItem.Execute() => Wake();

    void IValueTaskSource.GetResult(short token) => _wake.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _wake.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wake.OnCompleted(continuation, state, token, flags);

    private void EndLinger()
    {
        bool wake;
        lock (_gate)
        {
            _linger?.Dispose();
            _linger = null;
            wake = _idle && _filled > 0;
            _idle &= !wake;
        }

        if (wake)
        {
            Wake();
        }
    }

    // Bytes now in the spare buffer; 0 with a signal to wait for; -1 at the end.
    private int Take(out ValueTask wait, out TaskCompletionSource? room)
    {
        lock (_gate)
        {
            wait = default;
            room = null;
            if (_dead || (_closing && _filled == 0))
            {
                return -1;
            }

            if (_filled == 0)
            {
                Debug.Assert(!_idle, "only this loop sleeps");
                _wake.Reset();
                _idle = true;
                wait = new ValueTask(this, _wake.Version);
                return 0;
            }

            (_fill, _spare) = (_spare, _fill);
            (room, _room) = (_room, null);
            var count = _filled;
            _filled = 0;
            return count;
        }
    }

    // A buffer that grew for a burst serves the next one; one that grew for a single huge frame, or that has long not been filled, is let
    // go.
    private void Trim(int used)
    {
        _flushesSinceFull = used < _spare.Length / 4 ? _flushesSinceFull + 1 : 0;
        if (_spare.Length > LargestKept && (_spare.Length > 2L * limit || _flushesSinceFull >= FlushesUntilTrim))
        {
            _spare = new byte[InitialCapacity];
        }
    }
}
