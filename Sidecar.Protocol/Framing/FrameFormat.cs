namespace Sidecar.Protocol.Framing;

/// <summary>How messages follow each other on a stream of bytes. Stateless, safe from any thread.</summary>
/// <remarks>
/// A format says how large its header is and writes it. Whoever builds a message knows only its type and its payload, so that it can be
/// built before it is known which stream takes it.
/// </remarks>
public abstract class FrameFormat
{
    /// <summary>The most bytes that a header may have: a length of 64 bits.</summary>
    public const int LargestHeader = 8;

    /// <summary>A format.</summary>
    /// <param name="headerSize">
    /// The bytes in front of each payload, 0 to <see cref="LargestHeader"/>; 0 where frames end in themselves, as lines do.
    /// </param>
    protected FrameFormat(int headerSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(headerSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(headerSize, LargestHeader);
        HeaderSize = headerSize;
    }

    /// <summary>Length and type in front of each payload, as on Unix sockets (layout at <see cref="FrameLimits"/>).</summary>
    public static FrameFormat Native { get; } =
        new LengthPrefixedFormat(
            new FrameHeader(FrameLimits.HeaderSize, LengthAt: 0, FrameLimits.LengthSize) { TypeAt = FrameLimits.LengthSize, Counted = 1 });

    /// <summary>The bytes in front of each payload.</summary>
    public int HeaderSize { get; }

    /// <summary>The longest payload that can be written, in bytes.</summary>
    public virtual int LargestPayload => FrameLimits.MaxLength - 1;

    /// <summary>Takes the frame at the start of <paramref name="buffer"/>, if all of it is there.</summary>
    /// <param name="buffer">
    /// The bytes received and not consumed yet. On <see cref="FrameScanStatus.Frame"/> the frame is sliced off; otherwise it stays as
    /// it was.
    /// </param>
    /// <param name="maxLength">
    /// The largest payload to accept and 1 for its type, in bytes, normally <see cref="FrameLimits.MaxLength"/>. A larger one is refused as
    /// soon as its length is there.
    /// </param>
    /// <param name="frame">The frame, lying in <paramref name="buffer"/>; the default value for every other status.</param>
    /// <param name="length">
    /// The payload's size and 1 for its type, also for the statuses that refuse it, so that an error can name it; 0 while it is not known.
    /// </param>
    /// <returns>What was found. Malformed input is a status, never an exception.</returns>
    public abstract FrameScanStatus TryRead(ref ReadOnlySequence<byte> buffer, uint maxLength, out Frame frame, out uint length);

    /// <summary>Writes the header of a payload whose size is known.</summary>
    /// <param name="destination">Where to write; the first <see cref="HeaderSize"/> bytes are used.</param>
    /// <param name="type">The message type (spec §2.2); left out where the format has no place for it.</param>
    /// <param name="payloadLength">The size of the payload in bytes, 0 to <see cref="LargestPayload"/>.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Every reader would refuse a frame of this size. Nothing was written.</exception>
    public abstract void WriteHeader(Span<byte> destination, byte type, int payloadLength);
}
