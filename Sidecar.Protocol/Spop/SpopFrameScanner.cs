using System.Buffers.Binary;

namespace Sidecar.Protocol.Spop;

/// <summary>Finds frames in received bytes (layout at <see cref="SpopLimits"/>; proxy integration §1.2).</summary>
/// <remarks>Pure: no state, no allocation but the text of an error, callable from any thread.</remarks>
public static class SpopFrameScanner
{
    private const uint KnownFlags = (uint)(SpopFrameFlags.Fin | SpopFrameFlags.Abort);
    private const int MaxHeader = SpopLimits.MaxHeaderSize - SpopLimits.LengthSize;

    /// <summary>Takes the frame at the start of <paramref name="buffer"/>, if all of it is there.</summary>
    /// <param name="buffer">
    /// The bytes received and not consumed yet. On <see cref="SpopScanStatus.Frame"/> the frame is sliced off; otherwise it stays as it
    /// was.
    /// </param>
    /// <param name="maxLength">
    /// The largest L to accept, in bytes: <see cref="SpopLimits.MaxHelloLength"/> before HELLO is answered, then the size agreed. A
    /// larger one is refused as soon as its four bytes are there.
    /// </param>
    /// <param name="frame">The frame, lying in <paramref name="buffer"/>; the default value for every other status.</param>
    /// <param name="error">Why the status is <see cref="SpopScanStatus.Invalid"/>.</param>
    /// <returns>What was found. Malformed input is a status, never an exception.</returns>
    public static SpopScanStatus TryRead(ref ReadOnlySequence<byte> buffer, int maxLength, out SpopFrame frame, out SpopError error)
    {
        frame = default;
        error = default;
        if (!TryReadLength(buffer, out var length))
        {
            return SpopScanStatus.NeedMore;
        }

        if (length < SpopLimits.MinLength)
        {
            error = SpopError.Invalid($"a frame of {length} bytes; its header alone takes {SpopLimits.MinLength}");
            return SpopScanStatus.Invalid;
        }

        if (length > (uint)Math.Max(0, maxLength))
        {
            error = new(SpopStatus.FrameTooBig, $"a frame of {length} bytes; at most {maxLength} are accepted");
            return SpopScanStatus.Invalid;
        }

        if (buffer.Length - SpopLimits.LengthSize < length)
        {
            return SpopScanStatus.NeedMore;
        }

        var body = buffer.Slice(SpopLimits.LengthSize, length);
        if (!TryReadBody(body, out frame, out error))
        {
            return SpopScanStatus.Invalid;
        }

        buffer = buffer.Slice(body.End);
        return SpopScanStatus.Frame;
    }

    private static bool TryReadBody(in ReadOnlySequence<byte> body, out SpopFrame frame, out SpopError error)
    {
        Span<byte> joined = stackalloc byte[MaxHeader];
        scoped ReadOnlySpan<byte> header = body.FirstSpan;
        if (header.Length < MaxHeader && !body.IsSingleSegment)
        {
            var size = (int)Math.Min(MaxHeader, body.Length);
            body.Slice(0, size).CopyTo(joined);
            header = joined[..size];
        }

        frame = default;
        var type = header[0];
        var flags = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        if ((flags & ~KnownFlags) != 0)
        {
            return SpopError.Fails($"flags 0x{flags:X8} of a frame of type {type}; only FIN (1) and ABORT (2) are defined", out error);
        }

        var ids = new SpopReader(header[(1 + SpopLimits.FlagsSize)..]);
        if (!ids.TryReadVarint(out var streamId))
        {
            return ids.Fails("the stream id of a frame", out error);
        }

        if (!ids.TryReadVarint(out var frameId))
        {
            return ids.Fails("the frame id of a frame", out error);
        }

        var payload = body.Slice(1 + SpopLimits.FlagsSize + ids.Position);
        frame = new SpopFrame((SpopFrameType)type, (SpopFrameFlags)flags, streamId, frameId, payload);
        error = default;
        return true;
    }

    private static bool TryReadLength(in ReadOnlySequence<byte> buffer, out uint length)
    {
        if (BinaryPrimitives.TryReadUInt32BigEndian(buffer.FirstSpan, out length))
        {
            return true;
        }

        if (buffer.Length < SpopLimits.LengthSize)
        {
            return false;
        }

        Span<byte> joined = stackalloc byte[SpopLimits.LengthSize];
        buffer.Slice(0, SpopLimits.LengthSize).CopyTo(joined);
        length = BinaryPrimitives.ReadUInt32BigEndian(joined);
        return true;
    }
}

/// <summary>What <see cref="SpopFrameScanner"/> found at the start of a buffer.</summary>
public enum SpopScanStatus
{
    /// <summary>
    /// The start of a frame, or nothing; more bytes decide. At the end of the stream: a clean close if the buffer is empty, else a
    /// truncated frame.
    /// </summary>
    NeedMore,

    /// <summary>A complete frame.</summary>
    Frame,

    /// <summary>No frame can begin like this. Send DISCONNECT with the error's status and close.</summary>
    Invalid,
}
