using System.Buffers.Binary;

namespace Sidecar.Protocol.Framing;

/// <summary>Writes the header of a frame (layout at <see cref="FrameLimits"/>; spec §2.1). Pure: no state, any thread.</summary>
public static class FrameWriter
{
    /// <summary>Writes length and type in front of a payload whose size is known.</summary>
    /// <param name="destination">Where to write; the first <see cref="FrameLimits.HeaderSize"/> bytes are used.</param>
    /// <param name="type">The message type T (spec §2.2).</param>
    /// <param name="payloadLength">
    /// The size of the payload in bytes, 0 to <see cref="FrameLimits.MaxLength"/> - 1, because the type byte counts too.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Every reader would refuse a frame of this size. Nothing was written.</exception>
    public static void WriteHeader(Span<byte> destination, byte type, int payloadLength)
    {
        if (payloadLength is < 0 or >= FrameLimits.MaxLength)
        {
            throw new ArgumentOutOfRangeException(
                nameof(payloadLength),
                payloadLength,
                $"A payload of {payloadLength} bytes does not fit a frame: 0 to {FrameLimits.MaxLength - 1} do. Split the message.");
        }

        if (destination.Length < FrameLimits.HeaderSize)
        {
            throw new ArgumentException(
                $"A frame header needs {FrameLimits.HeaderSize} bytes; the destination has {destination.Length}.", nameof(destination));
        }

        BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)payloadLength + 1);
        destination[FrameLimits.LengthSize] = type;
    }
}
