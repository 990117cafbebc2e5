using System.Buffers;
using Sidecar.Protocol.Encodings.Protobuf;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Dialects;

/// <summary>
/// The messages of a gRPC stream as frames: the prefix is gRPC's, the type is the field of the oneof that is set (spec §7.3).
/// </summary>
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
internal sealed class GrpcFrameFormat(MessageType[] types) : LengthPrefixedFormat(new FrameHeader(Size: 5, LengthAt: 1, LengthSize: 4))
{
    private const byte Uncompressed = 0;

    /// <inheritdoc/>
    protected override FrameScanStatus Check(ReadOnlySpan<byte> header) =>
        header[0] == Uncompressed ? FrameScanStatus.Frame : FrameScanStatus.Compressed;

    /// <inheritdoc/>
    protected override bool TryFindType(in ReadOnlySequence<byte> payload, out byte type)
    {
        var isMessage = OneofField.TryFind(payload, types.Length - 1, out var field);
        type = (byte)types[field];
        return isMessage;
    }
}
