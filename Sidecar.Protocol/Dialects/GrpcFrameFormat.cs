using System.Buffers;
using System.Buffers.Binary;
using Sidecar.Protocol.Encodings.Protobuf;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Dialects;

/// <summary>The messages of a gRPC stream as frames: the prefix is gRPC's, the type is the field of the oneof that is set (spec §7.3).</summary>
/// <remarks>
/// <code>
///  0       1               5                  5 + L
/// +-------+---------------+------- ~ ---------+
/// | 0     | L  (u32, BE)  | ProxyToAgent or   |
/// |       |               | AgentToProxy      |
/// +-------+---------------+------- ~ ---------+
/// </code>
/// </remarks>
/// <param name="types">The message types by field number; index 0 is no field.</param>
internal sealed class GrpcFrameFormat(MessageType[] types) : FrameFormat
{
    private const byte Uncompressed = 0;

    /// <inheritdoc/>
    public override FrameScanStatus TryRead(ref ReadOnlySequence<byte> buffer, uint maxLength, out Frame frame, out uint length)
    {
        (frame, length) = (default, 0);
        if (buffer.Length < FrameLimits.HeaderSize)
        {
            return FrameScanStatus.NeedMore;
        }

        Span<byte> prefix = stackalloc byte[FrameLimits.HeaderSize];
        buffer.Slice(0, FrameLimits.HeaderSize).CopyTo(prefix);
        var payloadLength = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);

        // As the other format counts: with the type.
        length = payloadLength == uint.MaxValue ? payloadLength : payloadLength + 1;
        if (prefix[0] != Uncompressed)
        {
            return FrameScanStatus.Compressed;
        }

        if (length > maxLength)
        {
            return FrameScanStatus.TooLong;
        }

        if (buffer.Length - FrameLimits.HeaderSize < payloadLength)
        {
            return FrameScanStatus.NeedMore;
        }

        var payload = buffer.Slice(FrameLimits.HeaderSize, payloadLength);
        if (!OneofField.TryFind(payload, types.Length - 1, out var field))
        {
            return FrameScanStatus.Malformed;
        }

        frame = new Frame((byte)types[field], payload);
        buffer = buffer.Slice(payload.End);
        return FrameScanStatus.Frame;
    }

    /// <inheritdoc/>
    public override void WriteHeader(Span<byte> destination, byte type, int payloadLength)
    {
        destination[0] = Uncompressed;
        BinaryPrimitives.WriteUInt32BigEndian(destination[1..], (uint)payloadLength);
    }
}
