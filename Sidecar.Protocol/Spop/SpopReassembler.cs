namespace Sidecar.Protocol.Spop;

/// <summary>Joins the fragments of messages on one connection, within bounds (proxy integration §1.6).</summary>
/// <remarks>
/// <para>
/// Fragments of different streams may alternate. What exceeds a bound on bytes is dropped at once, but the rest of the message is still
/// followed to its end: only then does HAProxy take an ACK for it, and the other messages of the connection go on.
/// </para>
/// <para>Not safe for use by several threads. Dispose gives all memory back.</para>
/// </remarks>
/// <param name="limits">The bounds.</param>
public sealed class SpopReassembler(SpopFragmentLimits limits) : IDisposable
{
    // By stream: two messages of one stream cannot be open at once.
    private readonly Dictionary<ulong, FragmentSeries> _open = [];

    /// <summary>The messages begun and not ended, those that are no longer kept included.</summary>
    public int Open => _open.Count;

    /// <summary>The bytes kept. The buffers behind may be twice as large.</summary>
    public long Bytes { get; private set; }

    /// <summary>Takes one NOTIFY or UNSET frame.</summary>
    /// <param name="frame">The frame; nothing of it is kept by reference.</param>
    /// <param name="now">The present, as <see cref="TimeProvider.GetTimestamp"/> says it.</param>
    /// <param name="payload">The whole payload if the result is <see cref="SpopAssembly.Complete"/>; dispose it in any case.</param>
    /// <param name="error">Why, if the result is <see cref="SpopAssembly.Refused"/> or <see cref="SpopAssembly.Violation"/>.</param>
    /// <exception cref="ArgumentException">The frame is of another type.</exception>
    public SpopAssembly Add(in SpopFrame frame, long now, out SpopPayload payload, out SpopError error)
    {
        payload = default;
        error = default;
        _open.TryGetValue(frame.StreamId, out var series);
        return frame.Type switch
        {
            SpopFrameType.Notify => Begin(frame, series, now, out payload, out error),
            SpopFrameType.Unset => Continue(frame, series, out payload, out error),
            _ => throw new ArgumentException($"A frame of type {(byte)frame.Type} belongs to no message.", nameof(frame)),
        };
    }

    /// <summary>Frees the memory of messages begun before a moment; they end as <see cref="SpopAssembly.Refused"/>.</summary>
    /// <param name="before">The moment, as <see cref="TimeProvider.GetTimestamp"/> says it.</param>
    /// <returns>How many were dropped.</returns>
    public int Expire(long before) => DropAll(before, SpopStatus.Timeout, "was not finished in time");

    /// <summary>Frees the memory of all messages, for which there is no room; they end as <see cref="SpopAssembly.Refused"/>.</summary>
    public void GiveUp() => DropAll(long.MaxValue, SpopStatus.ResourceAllocation, "had no memory left to be kept in");

    private int DropAll(long before, SpopStatus status, string why)
    {
        var dropped = 0;
        foreach (var series in _open.Values)
        {
            if (series.Begun < before && series.Refusal == default)
            {
                Drop(series, new(status, $"a fragmented message {why}; {series.Length} bytes had arrived"));
                dropped++;
            }
        }

        return dropped;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var series in _open.Values)
        {
            series.Free();
        }

        _open.Clear();
        Bytes = 0;
    }

    private SpopAssembly Begin(in SpopFrame frame, FragmentSeries? open, long now, out SpopPayload payload, out SpopError error)
    {
        payload = default;
        error = default;
        if (open is not null)
        {
            error = new(
                SpopStatus.InterlacedFrames,
                $"NOTIFY {frame.StreamId}/{frame.FrameId} while the fragments of {frame.StreamId}/{open.FrameId} are not finished");
            return SpopAssembly.Violation;
        }

        if (frame.IsAbort)
        {
            return SpopAssembly.Aborted;
        }

        if (frame.IsFinal)
        {
            payload = SpopPayload.Of(frame.Payload);
            return SpopAssembly.Complete;
        }

        if (limits.MaxOpen == 0)
        {
            error = new(SpopStatus.FragmentationNotSupported, "a NOTIFY without FIN; fragmentation was not announced");
            return SpopAssembly.Violation;
        }

        if (_open.Count >= limits.MaxOpen)
        {
            error = new(SpopStatus.ResourceAllocation, $"{_open.Count} fragmented messages are open; at most {limits.MaxOpen} may be");
            return SpopAssembly.Violation;
        }

        var series = new FragmentSeries(frame.FrameId, now);
        _open.Add(frame.StreamId, series);
        Collect(series, frame);
        return SpopAssembly.Collecting;
    }

    private SpopAssembly Continue(in SpopFrame frame, FragmentSeries? series, out SpopPayload payload, out SpopError error)
    {
        payload = default;
        error = default;
        if (series is null || series.FrameId != frame.FrameId)
        {
            // Giving up what is not there changes nothing and is no reason to fail the messages of other streams.
            if (frame.IsAbort)
            {
                return SpopAssembly.Aborted;
            }

            error = new(SpopStatus.FrameIdNotFound, $"a fragment of {frame.StreamId}/{frame.FrameId}, of which no first one came");
            return SpopAssembly.Violation;
        }

        if (frame.IsAbort)
        {
            Drop(series, default);
            _open.Remove(frame.StreamId);
            return SpopAssembly.Aborted;
        }

        Collect(series, frame);
        if (!frame.IsFinal)
        {
            return SpopAssembly.Collecting;
        }

        _open.Remove(frame.StreamId);
        error = series.Refusal;
        if (error != default)
        {
            return SpopAssembly.Refused;
        }

        Bytes -= series.Length;
        payload = series.Take();
        return SpopAssembly.Complete;
    }

    private void Collect(FragmentSeries series, in SpopFrame frame)
    {
        if (series.Refusal != default)
        {
            return;
        }

        var length = series.Length + frame.Payload.Length;
        if (length > limits.MaxMessageBytes)
        {
            Drop(series, new(
                SpopStatus.FrameTooBig, $"a fragmented message of {length} bytes and more; at most {limits.MaxMessageBytes} are kept"));
        }
        else if (Bytes + frame.Payload.Length > limits.MaxTotalBytes)
        {
            Drop(series, new(
                SpopStatus.ResourceAllocation,
                $"{Bytes + frame.Payload.Length} bytes of fragments on one connection; at most {limits.MaxTotalBytes} are kept"));
        }
        else
        {
            series.Append(frame.Payload, limits.MaxMessageBytes);
            Bytes += frame.Payload.Length;
        }
    }

    private void Drop(FragmentSeries series, SpopError why)
    {
        Bytes -= series.Length;
        series.Free();
        series.Refusal = why;
    }
}

/// <summary>What a NOTIFY or UNSET frame led to.</summary>
public enum SpopAssembly
{
    /// <summary>The message is whole: read it with <see cref="SpopNotify"/> and answer it.</summary>
    Complete,

    /// <summary>More fragments follow.</summary>
    Collecting,

    /// <summary>HAProxy gave the message up; nobody waits for an answer.</summary>
    Aborted,

    /// <summary>
    /// The message has ended but was not kept: too large, too many at once, or too old. Its stream waits for an ACK with the failure
    /// mode's verdict; the error says why.
    /// </summary>
    Refused,

    /// <summary>The frame breaks the rules: DISCONNECT with the error's status and close.</summary>
    Violation,
}

/// <summary>How much of fragmented messages one connection may keep (proxy integration §1.6).</summary>
public sealed record SpopFragmentLimits
{
    /// <summary>Takes no fragments. Then HAProxy 2.x needs <c>no option send-frag-payload</c>, or it reconnects in a storm.</summary>
    public static SpopFragmentLimits Off { get; } = new() { MaxOpen = 0 };

    /// <summary>
    /// The fragmented messages open at once. HAProxy 2.x finishes or aborts one before it begins the next on a connection; 8 leaves room
    /// for other clients of the protocol.
    /// </summary>
    public int MaxOpen { get; init; } = 8;

    /// <summary>
    /// The bytes of one message. Each of its arguments came out of one buffer of HAProxy, so the largest frame we agree to is plenty.
    /// </summary>
    public int MaxMessageBytes { get; init; } = SpopLimits.MaxFrameSize;

    /// <summary>The bytes of all open messages of one connection: four of the largest.</summary>
    public long MaxTotalBytes { get; init; } = 4L * SpopLimits.MaxFrameSize;
}

/// <summary>The fragments of one message, joined as they come. Owned by one <see cref="SpopReassembler"/>.</summary>
/// <param name="frameId">The frame id that all of them carry.</param>
/// <param name="begun">When the first one came, as a timestamp.</param>
internal sealed class FragmentSeries(ulong frameId, long begun)
{
    private byte[] _buffer = [];

    public ulong FrameId => frameId;

    public long Begun => begun;

    /// <summary>The bytes kept.</summary>
    public int Length { get; private set; }

    /// <summary>Why the message is no longer kept; the default value while it is.</summary>
    public SpopError Refusal { get; set; }

    /// <summary>Adds one fragment; the caller has checked that it does not exceed the limit.</summary>
    public void Append(in ReadOnlySequence<byte> fragment, int limit)
    {
        var length = Length + (int)fragment.Length;
        if (length > _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent((int)Math.Max(length, Math.Min(2L * _buffer.Length, limit)));
            _buffer.AsSpan(0, Length).CopyTo(larger);
            Return();
            _buffer = larger;
        }

        fragment.CopyTo(_buffer.AsSpan(Length));
        Length = length;
    }

    /// <summary>Hands the joined bytes over, with their buffer.</summary>
    public SpopPayload Take()
    {
        var payload = new SpopPayload(_buffer, Length);
        _buffer = [];
        Length = 0;
        return payload;
    }

    /// <summary>Gives the memory back.</summary>
    public void Free()
    {
        Return();
        _buffer = [];
        Length = 0;
    }

    private void Return()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }
    }
}
