using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Framing;

namespace Sidecar.Protocol.Dialects;

/// <summary>The dialect of Unix sockets: handshake and control messages are JSON, the rest is what was negotiated.</summary>
internal sealed class NativeDialect : AgentDialect
{
    // Base64 makes four bytes of three; the rest of the event fits into what is left.
    private const long LargestBody = (FrameLimits.MaxLength / 4 * 3) - 4096;

    public override string Name => "native";

    public override FrameFormat ProxyFormat => FrameFormat.Native;

    public override FrameFormat AgentFormat => FrameFormat.Native;

    public override bool CarriesMutations => true;

    public override bool AnswersConfigure => true;

    public override bool NegotiatesEncoding => true;

    public override long LongestBodyPiece(AgentLimits limits) => LargestBody;

    public override MessageEncoding ProxyEncoding(HandshakeResponse response) =>
        response.Encoding == ProtocolConstants.MessagePack && response.Capabilities.Features.BinaryBody
            ? MessageEncodings.MessagePackBinaryBody
            : MessageEncodings.ByName(response.Encoding);

    public override MessageEncoding AgentEncoding(HandshakeResponse response) => MessageEncodings.ByName(response.Encoding);

    public override void WriteRequest(IBufferWriter<byte> output, HandshakeRequest message) => HandshakeCodec.WriteRequest(output, message);

    public override HandshakeRequest ReadRequest(ReadOnlyMemory<byte> payload) => HandshakeCodec.ReadRequest(payload);

    public override void WriteResponse(IBufferWriter<byte> output, HandshakeResponse message) =>
        HandshakeCodec.WriteResponse(output, message);

    public override HandshakeResponse ReadResponse(ReadOnlyMemory<byte> payload) => HandshakeCodec.ReadResponse(payload);

    public override void WriteCancel(IBufferWriter<byte> output, CancelRequest message) => ControlCodec.WriteCancel(output, message);

    public override CancelRequest ReadCancel(ReadOnlyMemory<byte> payload) => ControlCodec.ReadCancel(payload);

    public override void WritePing(IBufferWriter<byte> output, PingMessage message) => ControlCodec.WritePing(output, message);

    // Byte for byte (spec §6.7).
    public override void WritePong(IBufferWriter<byte> output, ReadOnlyMemory<byte> ping, ulong nowMs) => output.Write(ping.Span);

    public override ulong ReadPong(ReadOnlyMemory<byte> payload) => ControlCodec.ReadPing(payload).Sequence;
}
