using System.Buffers;
using System.Buffers.Binary;

namespace Sidecar.Protocol.Framing;

/// <summary>Finds frames in received bytes (layout at <see cref="FrameLimits"/>; spec §2.1).</summary>
/// <remarks>Pure: no state, no allocation, callable from any thread.</remarks>
public static class FrameScanner
{
    /// <summary>Takes the frame at the start of <paramref name="buffer"/>, if all of it is there.</summary>
    /// <param name="buffer">
    /// The bytes received and not consumed yet. On <see cref="FrameScanStatus.Frame"/> the frame is sliced off; otherwise it stays as
    /// it was.
    /// </param>
    /// <param name="maxLength">
    /// The largest L to accept, in bytes, normally <see cref="FrameLimits.MaxLength"/>. A larger one is refused as soon as its four bytes
    /// are there.
    /// </param>
    /// <param name="frame">The frame, lying in <paramref name="buffer"/>; the default value for every other status.</param>
    /// <param name="length">
    /// L as read, also for the statuses that refuse it, so that an error can name it; 0 while its four bytes are incomplete.
    /// </param>
    /// <returns>What was found. Malformed input is a status, never an exception.</returns>
    public static FrameScanStatus TryRead(ref ReadOnlySequence<byte> buffer, uint maxLength, out Frame frame, out uint length)
    {
        frame = default;
        if (!TryReadLength(buffer, out length))
        {
            return FrameScanStatus.NeedMore;
        }

        if (length == 0)
        {
            return FrameScanStatus.ZeroLength;
        }

        if (length > maxLength)
        {
            return FrameScanStatus.TooLong;
        }

        if (buffer.Length - FrameLimits.LengthSize < length)
        {
            return FrameScanStatus.NeedMore;
        }

        var body = buffer.Slice(FrameLimits.LengthSize, length);
        // Slice starts in the segment that holds its first byte, so the first span is not empty.
        frame = new Frame(body.FirstSpan[0], body.Slice(1));
        buffer = buffer.Slice(body.End);
        return FrameScanStatus.Frame;
    }

    private static bool TryReadLength(in ReadOnlySequence<byte> buffer, out uint length)
    {
        if (BinaryPrimitives.TryReadUInt32BigEndian(buffer.FirstSpan, out length))
        {
            return true;
        }

        if (buffer.Length < FrameLimits.LengthSize)
        {
            length = 0;
            return false;
        }

        Span<byte> joined = stackalloc byte[FrameLimits.LengthSize];
        buffer.Slice(0, FrameLimits.LengthSize).CopyTo(joined);
        length = BinaryPrimitives.ReadUInt32BigEndian(joined);
        return true;
    }
}
