using Google.Protobuf;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Encodings.Protobuf;
using Sidecar.Protocol.Framing;
using static Sidecar.Protocol.Messages.MessageType;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Protocol.Dialects;

/// <summary>The dialect of a <c>ProcessStream</c> (spec §7): every message is protobuf inside gRPC's prefix.</summary>
public sealed class GrpcDialect : AgentDialect
{
    /// <summary>The method whose stream this is.</summary>
    public const string ProcessStream = "/zentinel.agent.v2.AgentServiceV2/ProcessStream";

    /// <summary>The method that agents may call on a proxy, and that the reference's agents serve (spec §7.6).</summary>
    public const string ControlStream = "/zentinel.agent.v2.AgentServiceV2/ControlStream";

    // Most servers take 4 MiB per message (spec §7.2); an agent that prefers larger pieces takes more.
    private const long SafeBody = 3_500 * 1024;
    private const long LargestBody = FrameLimits.MaxLength - 4096;

    private GrpcDialect()
    {
    }

    /// <summary>The one there is.</summary>
    public static GrpcDialect Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "grpc";

    /// <inheritdoc/>
    public override FrameFormat ProxyFormat { get; } =
        new GrpcFrameFormat(
            [None, MessageType.HandshakeResponse, MessageType.AgentResponse, MessageType.HealthStatus, MessageType.MetricsReport,
            MessageType.ConfigUpdateRequest, FlowControl, Pong, Log]);

    /// <inheritdoc/>
    public override FrameFormat AgentFormat { get; } = new GrpcFrameFormat(
        [None, MessageType.HandshakeRequest, RequestHeaders, RequestBodyChunk, ResponseHeaders, ResponseBodyChunk,
        WebSocketFrame, GuardrailInspect, RequestComplete, Cancel, Configure, Ping]);

    /// <inheritdoc/>
    public override bool CarriesMutations => false;

    /// <inheritdoc/>
    public override bool AnswersConfigure => false;

    /// <inheritdoc/>
    public override bool NegotiatesEncoding => false;

    /// <summary>The id under which a configuration is answered, if it is: our agents do, the reference's do not.</summary>
    public static CorrelationId ConfigureId => ControlMapping.ConfigureId;

    /// <inheritdoc/>
    public override long LongestBodyPiece(AgentLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        return Math.Clamp((long)Math.Min(limits.PreferredChunkSize, LargestBody), SafeBody, LargestBody);
    }

    /// <inheritdoc/>
    public override MessageEncoding ProxyEncoding(HandshakeResponse response) => ProtobufEncoding.OfProxy;

    /// <inheritdoc/>
    public override MessageEncoding AgentEncoding(HandshakeResponse response) => ProtobufEncoding.OfAgent;

    /// <inheritdoc/>
    public override void WriteRequest(IBufferWriter<byte> output, HandshakeRequest message) =>
        new Wire.ProxyToAgent { Handshake = HandshakeMapping.ToWire(message) }.WriteTo(output);

    /// <inheritdoc/>
    public override HandshakeRequest ReadRequest(ReadOnlyMemory<byte> payload) =>
        ProtobufEncoding.ReadMember(
            "handshake", payload, Wire.ProxyToAgent.Parser, static message => message.Handshake, HandshakeMapping.FromWire);

    /// <inheritdoc/>
    public override void WriteResponse(IBufferWriter<byte> output, HandshakeResponse message) =>
        new Wire.AgentToProxy { Handshake = HandshakeMapping.ToWire(message) }.WriteTo(output);

    /// <inheritdoc/>
    public override HandshakeResponse ReadResponse(ReadOnlyMemory<byte> payload) =>
        ProtobufEncoding.ReadMember(
            "handshake response", payload, Wire.AgentToProxy.Parser, static message => message.Handshake, HandshakeMapping.FromWire);

    /// <inheritdoc/>
    public override void WriteCancel(IBufferWriter<byte> output, CancelRequest message) =>
        new Wire.ProxyToAgent { Cancel = ControlMapping.ToWire(message) }.WriteTo(output);

    /// <inheritdoc/>
    public override CancelRequest ReadCancel(ReadOnlyMemory<byte> payload) =>
        ProtobufEncoding.ReadMember("cancel", payload, Wire.ProxyToAgent.Parser, static message => message.Cancel, ControlMapping.FromWire);

    /// <inheritdoc/>
    public override void WritePing(IBufferWriter<byte> output, PingMessage message) =>
        new Wire.ProxyToAgent { Ping = new Wire.Ping { Sequence = message.Sequence, TimestampMs = message.TimestampMs } }.WriteTo(output);

    /// <inheritdoc/>
    public override void WritePong(IBufferWriter<byte> output, ReadOnlyMemory<byte> ping, ulong nowMs)
    {
        var asked = ProtobufEncoding.ReadMember(
            "ping", ping, Wire.ProxyToAgent.Parser, static message => message.Ping, static ping => ping);
        var pong = new Wire.Pong { Sequence = asked.Sequence, PingTimestampMs = asked.TimestampMs, TimestampMs = nowMs };
        new Wire.AgentToProxy { Pong = pong }.WriteTo(output);
    }

    /// <inheritdoc/>
    public override ulong ReadPong(ReadOnlyMemory<byte> payload) =>
        ProtobufEncoding.ReadMember(
            "pong", payload, Wire.AgentToProxy.Parser, static message => message.Pong, static pong => pong.Sequence);
}

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

    protected override FrameScanStatus Check(ReadOnlySpan<byte> header) =>
        header[0] == Uncompressed ? FrameScanStatus.Frame : FrameScanStatus.Compressed;

    protected override bool TryFindType(in ReadOnlySequence<byte> payload, out byte type)
    {
        var isMessage = OneofField.TryFind(payload, types.Length - 1, out var field);
        type = (byte)types[field];
        return isMessage;
    }
}
