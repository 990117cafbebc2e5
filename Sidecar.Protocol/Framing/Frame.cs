namespace Sidecar.Protocol.Framing;

/// <summary>One complete frame, still lying in the buffer it was read from.</summary>
/// <remarks>The payload is valid only until that buffer is advanced or returned; whoever keeps it longer copies it.</remarks>
/// <param name="Type">The message type T (spec §2.2); any value, because the layer above skips types it does not know.</param>
/// <param name="Payload">The payload in place, not copied; 0 to <see cref="FrameLimits.MaxLength"/> - 1 bytes.</param>
public readonly record struct Frame(byte Type, ReadOnlySequence<byte> Payload);

/// <summary>What stands where in a header of fixed size. Bytes that nothing is said of are written as 0.</summary>
/// <param name="Size">Bytes in front of the payload, 1 to <see cref="FrameFormat.LargestHeader"/>.</param>
/// <param name="LengthAt">Where the length begins.</param>
/// <param name="LengthSize">The bytes of the length, 1 to 8, big-endian.</param>
public sealed record FrameHeader(int Size, int LengthAt, int LengthSize)
{
    /// <summary>Where the type byte stands; null when there is none, because the payload itself tells its type.</summary>
    public int? TypeAt { get; init; }

    /// <summary>How many bytes of the header the length counts besides the payload.</summary>
    public int Counted { get; init; }
}

/// <summary>The sizes of a frame of the agent protocol (spec §2.1).</summary>
/// <remarks>
/// <code>
///  0               4       5                          4 + L
/// +---------------+-------+--------------- ~ ----------+
/// | L  (u32, BE)  |   T   | payload, L - 1 bytes       |
/// +---------------+-------+--------------- ~ ----------+
///                 |&lt;------------- L bytes ------------>|
/// </code>
/// The length L counts the type byte and not itself, so an empty payload has L = 1 and L = 0 is an error.
/// </remarks>
public static class FrameLimits
{
    /// <summary>The largest L that a peer accepts, in bytes: the type byte and the payload.</summary>
    public const int MaxLength = 16_777_216;

    /// <summary>The bytes before the payload: the length and the type.</summary>
    public const int HeaderSize = LengthSize + 1;

    /// <summary>The bytes of the length itself.</summary>
    public const int LengthSize = 4;
}

/// <summary>What a <see cref="FrameFormat"/> found at the start of a buffer.</summary>
public enum FrameScanStatus
{
    /// <summary>
    /// The start of a frame, or nothing; more bytes decide. At the end of the stream: a clean close if the buffer is empty, else a
    /// truncated frame (spec §2.1).
    /// </summary>
    NeedMore,

    /// <summary>A complete frame.</summary>
    Frame,

    /// <summary>L = 0: there is not even a type. The stream is out of step; close it (spec §2.1).</summary>
    ZeroLength,

    /// <summary>L is above the limit. Nothing was allocated for it; close the stream (spec §2.1).</summary>
    TooLong,

    /// <summary>The payload is compressed, which nobody agreed on. Only on streams of gRPC; close it.</summary>
    Compressed,

    /// <summary>The payload is no message at all. Only where the type stands inside of it; close the stream.</summary>
    Malformed,
}
