using System.IO.Pipelines;
using Sidecar.Protocol.Framing;

namespace Sidecar.Protocol.Transport;

/// <summary>
/// Frames over a duplex pipe: one loop reads and hands out whole frames, one loop writes what senders have gathered. No sockets.
/// </summary>
/// <remarks>
/// Sending is safe from any thread. <see cref="RunAsync"/> is called once; it ends when either direction ends, after the handler was told.
/// The end has one cause, the first that was seen.
/// </remarks>
public sealed partial class FrameConnection
{
    private readonly PipeReader _input;
    private readonly PipeWriter _outputPipe;
    private readonly FrameOutput _output;
    private readonly FrameConnectionOptions _options;
    private readonly TaskCompletionSource _closing = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TimeSpan _closeTimeout;
    private Cause? _cause;

    /// <summary>A connection over <paramref name="pipe"/>; nothing moves before <see cref="RunAsync"/>.</summary>
    public FrameConnection(IDuplexPipe pipe, FrameConnectionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(pipe);
        _options = options ?? FrameConnectionOptions.Default;
        _closeTimeout = _options.CloseTimeout;
        _input = pipe.Input;
        _outputPipe = pipe.Output;
        _output = new FrameOutput(pipe.Output, _options.MaxUnsentBytes, _options.Format);
    }

    /// <summary>Why the connection ended; <see cref="FrameConnectionEnd.None"/> while it lives.</summary>
    public FrameConnectionEnd End => Volatile.Read(ref _cause)?.End ?? FrameConnectionEnd.None;

    /// <summary>Frames read so far.</summary>
    public long FramesReceived { get; private set; }

    /// <summary>Frames taken for sending so far.</summary>
    public long FramesSent => _output.FramesSent;

    /// <summary>Flushes so far; frames per flush tell how well writes gather.</summary>
    public long Flushes => _output.Flushes;

    /// <summary>
    /// Takes no more frames for sending, writes what was taken within <see cref="FrameConnectionOptions.CloseTimeout"/>, then ends.
    /// </summary>
    public void Close() => Close(_options.CloseTimeout);

    /// <summary>Takes no more frames for sending, writes what was taken within this time, then ends.</summary>
    public void Close(TimeSpan within)
    {
        _closeTimeout = within;
        TrySetEnd(FrameConnectionEnd.ClosedLocally, null);
        StopWriting(discard: false);
    }

    /// <summary>Ends at once; what was not written is lost.</summary>
    public void Abort(FrameConnectionEnd reason, Exception? error = null)
    {
        TrySetEnd(reason, error);
        StopWriting(discard: true);
        _input.CancelPendingRead();
    }

    /// <summary>Runs both directions until the connection ends. Never throws.</summary>
    public async Task RunAsync(IFrameHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        var reading = ReadAsync(handler);
        var writing = _output.RunAsync();
        await Task.WhenAny(writing, _closing.Task).ConfigureAwait(false);
        var writeError = await EndOfAsync(writing).ConfigureAwait(false);
        if (writeError is not null)
        {
            TrySetEnd(FrameConnectionEnd.TransportError, writeError);
        }

        _closing.TrySetResult();
        _input.CancelPendingRead();
        await reading.ConfigureAwait(false);
        await _outputPipe.CompleteAsync(_cause?.Error).ConfigureAwait(false);
        handler.OnEnd(End, _cause?.Error);
    }

    // A peer that does not read must not hold a connection that has nothing left to do but to write.
    private async Task<Exception?> EndOfAsync(Task<Exception?> writing)
    {
        try
        {
            return await writing.WaitAsync(_closeTimeout, _options.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _output.Close(discard: true);
            return await writing.ConfigureAwait(false);
        }
    }

    private void StopWriting(bool discard)
    {
        _output.Close(discard);
        _closing.TrySetResult();
    }

    private async Task ReadAsync(IFrameHandler handler)
    {
        // Leaves the caller at once: the loops must not depend on which one is started first.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            // One state machine for the whole loop: a method per read would allocate at every wait.
            while (true)
            {
                var result = await _input.ReadAsync().ConfigureAwait(false);
                var buffer = result.Buffer;
                FlushBatch.Begin();
                bool goesOn;
                Task? pause;
                try
                {
                    goesOn = Take(handler, result, ref buffer, out pause);
                }
                finally
                {
                    FlushBatch.End();
                }

                // Frames that a pause left there are not looked at yet.
                _input.AdvanceTo(buffer.Start, pause is null ? buffer.End : buffer.Start);
                if (!goesOn)
                {
                    break;
                }

                if (pause is not null)
                {
                    await Task.WhenAny(pause, _closing.Task).ConfigureAwait(false);
                }
            }
        }
        catch (Exception e)
        {
            TrySetEnd(FrameConnectionEnd.TransportError, e);
        }

        // A clean end still writes what was taken: the peer may only have closed its sending side.
        StopWriting(discard: End is not (FrameConnectionEnd.ClosedByPeer or FrameConnectionEnd.ClosedLocally));
        await _input.CompleteAsync().ConfigureAwait(false);
    }

    private bool Take(IFrameHandler handler, in ReadResult result, ref ReadOnlySequence<byte> buffer, out Task? pause)
    {
        pause = null;
        if (result.IsCanceled)
        {
            TrySetEnd(FrameConnectionEnd.ClosedLocally, null);
            return false;
        }

        if (!TakeFrames(handler, ref buffer, ref pause))
        {
            return false;
        }

        if (result.IsCompleted && pause is null)
        {
            TrySetEnd(buffer.IsEmpty ? FrameConnectionEnd.ClosedByPeer : FrameConnectionEnd.TruncatedFrame, null);
            return false;
        }

        return true;
    }

    private bool TakeFrames(IFrameHandler handler, ref ReadOnlySequence<byte> buffer, ref Task? pause)
    {
        while (pause is null)
        {
            switch (_options.Format.TryRead(ref buffer, (uint)_options.MaxFrameLength, out var frame, out var length))
            {
                case FrameScanStatus.NeedMore:
                    return true;

                case FrameScanStatus.ZeroLength:
                    return Refuse(FrameConnectionEnd.ZeroLengthFrame, "a frame announced length 0; the least is 1, the type byte");
                case FrameScanStatus.TooLong:
                    return Refuse(
                        FrameConnectionEnd.FrameTooLong, $"a frame announced {length} bytes; the limit is {_options.MaxFrameLength}");
                case FrameScanStatus.Compressed:
                    return Refuse(
                        FrameConnectionEnd.ProtocolViolation,
                        "a message is compressed; only 'identity' is understood; switch compression off");
                case FrameScanStatus.Malformed:
                    return Refuse(FrameConnectionEnd.ProtocolViolation, $"a message of {length - 1} bytes is none of the protocol");
                default:
                    FlushBatch.Next(frame.Payload.Length);
                    if (!Deliver(handler, frame))
                    {
                        return false;
                    }

                    pause = handler.Pause;
                    break;
            }
        }

        return true;
    }

    private bool Refuse(FrameConnectionEnd end, string why)
    {
        TrySetEnd(end, new InvalidDataException(why));
        return false;
    }

    private bool Deliver(IFrameHandler handler, in Frame frame)
    {
        FramesReceived++;
        byte[]? joined = null;
        try
        {
            var payload = frame.Payload.First;
            if (!frame.Payload.IsSingleSegment)
            {
                var length = (int)frame.Payload.Length;
                joined = ArrayPool<byte>.Shared.Rent(length);
                frame.Payload.CopyTo(joined);
                payload = joined.AsMemory(0, length);
            }

            handler.OnFrame((MessageType)frame.Type, payload);
            return End is FrameConnectionEnd.None or FrameConnectionEnd.ClosedLocally;
        }
        catch (Exception e)
        {
            TrySetEnd(FrameConnectionEnd.HandlerFailure, e);
            return false;
        }
        finally
        {
            if (joined is not null)
            {
                ArrayPool<byte>.Shared.Return(joined);
            }
        }
    }

    private void TrySetEnd(FrameConnectionEnd end, Exception? error)
    {
        if (Volatile.Read(ref _cause) is null)
        {
            Interlocked.CompareExchange(ref _cause, new Cause(end, error), null);
        }
    }

    // One object, so that whoever sees the end sees its error too.
    private sealed record Cause(FrameConnectionEnd End, Exception? Error);
}
