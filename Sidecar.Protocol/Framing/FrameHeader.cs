namespace Sidecar.Protocol.Framing;

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
