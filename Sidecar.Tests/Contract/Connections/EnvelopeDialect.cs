using System.Buffers;
using System.Text;
using System.Text.Json;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Contract.Connections;

/// <summary>
/// A dialect unlike the native one: a header of 4 bytes without a type, which stands in an envelope around the native JSON, and a word for the end of an
/// exchange.
/// </summary>
internal sealed class EnvelopeDialect : AgentDialect
{
    // {"type":"10","body":…}
    private const int TypeAt = 9;
    private const int BodyAt = 20;

    public static EnvelopeDialect Instance { get; } = new();

    public override string Name => "envelope";

    public override FrameFormat ProxyFormat { get; } = new Format();

    public override FrameFormat AgentFormat => ProxyFormat;

    public override bool CarriesMutations => true;

    public override bool AnswersConfigure => true;

    public override bool NegotiatesEncoding => false;

    public override long LongestBodyPiece(AgentLimits limits) => Native.LongestBodyPiece(limits) - BodyAt - 1;

    public override MessageEncoding ProxyEncoding(HandshakeResponse response) => Enveloped.Instance;

    public override MessageEncoding AgentEncoding(HandshakeResponse response) => Enveloped.Instance;

    public override void WriteRequest(IBufferWriter<byte> output, HandshakeRequest message) =>
        Write(output, MessageType.HandshakeRequest, inner => Native.WriteRequest(inner, message));

    public override HandshakeRequest ReadRequest(ReadOnlyMemory<byte> payload) => Native.ReadRequest(BodyOf(payload));

    public override void WriteResponse(IBufferWriter<byte> output, HandshakeResponse message) =>
        Write(output, MessageType.HandshakeResponse, inner => Native.WriteResponse(inner, message));

    public override HandshakeResponse ReadResponse(ReadOnlyMemory<byte> payload) => Native.ReadResponse(BodyOf(payload));

    public override void WriteCancel(IBufferWriter<byte> output, CancelRequest message) =>
        Write(output, MessageType.Cancel, inner => Native.WriteCancel(inner, message));

    public override CancelRequest ReadCancel(ReadOnlyMemory<byte> payload) => Native.ReadCancel(BodyOf(payload));

    public override bool TryWriteEnd(IBufferWriter<byte> output, CorrelationId exchange)
    {
        Write(output, MessageType.Cancel, inner => inner.Write(Encoding.UTF8.GetBytes($$"""{"id":"{{exchange}}","reason":"completed"}""")));
        return true;
    }

    public override void WritePing(IBufferWriter<byte> output, PingMessage message) =>
        Write(output, MessageType.Ping, inner => Native.WritePing(inner, message));

    public override void WritePong(IBufferWriter<byte> output, ReadOnlyMemory<byte> ping, ulong nowMs) => output.Write(ping.Span);

    public override ulong ReadPong(ReadOnlyMemory<byte> payload) => Native.ReadPong(BodyOf(payload));

    /// <summary>The exchange that such a message says is over.</summary>
    public static CorrelationId ReadEnd(ReadOnlyMemory<byte> payload)
    {
        using var document = JsonDocument.Parse(BodyOf(payload));
        var end = document.RootElement;
        return end.GetProperty("reason").ValueEquals("completed") ? CorrelationId.Parse(end.GetProperty("id").GetString()!) : default;
    }

    private static void Write(IBufferWriter<byte> output, MessageType type, Action<IBufferWriter<byte>> write)
    {
        output.Write(Encoding.UTF8.GetBytes($$"""{"type":"{{(byte)type:x2}}","body":"""));
        write(output);
        output.Write("}"u8);
    }

    private static ReadOnlyMemory<byte> BodyOf(ReadOnlyMemory<byte> payload) => payload[BodyAt..^1];

    private sealed class Format() : LengthPrefixedFormat(new FrameHeader(Size: 4, LengthAt: 0, LengthSize: 4))
    {
        protected override bool TryFindType(in ReadOnlySequence<byte> payload, out byte type)
        {
            type = 0;
            return payload.Length > BodyAt
                && byte.TryParse(Encoding.ASCII.GetString(payload.Slice(TypeAt, 2)), System.Globalization.NumberStyles.HexNumber, null, out type);
        }
    }

    private sealed class Enveloped : MessageEncoding
    {
        private static readonly MessageEncoding Json = MessageEncodings.Json;

        public static Enveloped Instance { get; } = new();

        public override string Name => Json.Name;

        public override void WriteEvent(IBufferWriter<byte> output, AgentEvent message) =>
            Write(output, message.Type, inner => Json.WriteEvent(inner, message));

        public override AgentEvent ReadEvent(MessageType type, ReadOnlyMemory<byte> payload) => Json.ReadEvent(type, BodyOf(payload));

        public override void WriteResponse(IBufferWriter<byte> output, CorrelationId correlationId, AgentResponse response) =>
            Write(output, MessageType.AgentResponse, inner => Json.WriteResponse(inner, correlationId, response));

        public override AgentAnswer ReadResponse(ReadOnlyMemory<byte> payload) => Json.ReadResponse(BodyOf(payload));

        public override CorrelationId SalvageCorrelationId(ReadOnlyMemory<byte> payload) => Json.SalvageCorrelationId(BodyOf(payload));

        public override void WriteHealth(IBufferWriter<byte> output, HealthStatus message) =>
            Write(output, MessageType.HealthStatus, inner => Json.WriteHealth(inner, message));

        public override HealthStatus ReadHealth(ReadOnlyMemory<byte> payload) => Json.ReadHealth(BodyOf(payload));

        public override void WriteMetrics(IBufferWriter<byte> output, MetricsReport message) =>
            Write(output, MessageType.MetricsReport, inner => Json.WriteMetrics(inner, message));

        public override MetricsReport ReadMetrics(ReadOnlyMemory<byte> payload) => Json.ReadMetrics(BodyOf(payload));

        public override void WriteConfigUpdate(IBufferWriter<byte> output, ConfigUpdateRequest message) =>
            Write(output, MessageType.ConfigUpdateRequest, inner => Json.WriteConfigUpdate(inner, message));

        public override ConfigUpdateRequest ReadConfigUpdate(ReadOnlyMemory<byte> payload) => Json.ReadConfigUpdate(BodyOf(payload));

        public override void WriteFlowControl(IBufferWriter<byte> output, FlowControlSignal message) =>
            Write(output, MessageType.FlowControl, inner => Json.WriteFlowControl(inner, message));

        public override FlowControlSignal ReadFlowControl(ReadOnlyMemory<byte> payload) => Json.ReadFlowControl(BodyOf(payload));
    }
}
