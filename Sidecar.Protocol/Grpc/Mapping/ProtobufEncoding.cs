using System.Buffers;
using System.Text.Json;
using Google.Protobuf;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Grpc.Mapping;

/// <summary>Messages as protobuf: each payload is a whole <see cref="Wire.ProxyToAgent"/> or <see cref="Wire.AgentToProxy"/> (spec §7.3).</summary>
/// <remarks>A proxy writes the former and reads the latter, an agent the other way round; which it is matters only for finding ids in broken payloads.</remarks>
/// <param name="readsEvents">Whether what is read are events: that is an agent's.</param>
internal sealed class ProtobufEncoding(bool readsEvents) : MessageEncoding
{
    /// <summary>For a proxy.</summary>
    public static readonly ProtobufEncoding OfProxy = new(readsEvents: false);

    /// <summary>For an agent.</summary>
    public static readonly ProtobufEncoding OfAgent = new(readsEvents: true);

    /// <inheritdoc/>
    public override string Name => "protobuf";

    /// <inheritdoc/>
    public override bool CanLog => true;

    /// <inheritdoc/>
    public override void WriteEvent(IBufferWriter<byte> output, AgentEvent message) => EventMapping.ToWire(message).WriteTo(output);

    /// <inheritdoc/>
    public override AgentEvent ReadEvent(MessageType type, ReadOnlyMemory<byte> payload) =>
        Read(type.ToString(), payload, Wire.ProxyToAgent.Parser, EventMapping.FromWire);

    /// <inheritdoc/>
    public override void WriteResponse(IBufferWriter<byte> output, CorrelationId correlationId, AgentResponse response) =>
        new Wire.AgentToProxy { Response = AnswerMapping.ToWire(correlationId, response) }.WriteTo(output);

    /// <inheritdoc/>
    public override AgentAnswer ReadResponse(ReadOnlyMemory<byte> payload) =>
        Read(nameof(AgentResponse), payload, Wire.AgentToProxy.Parser, static message => AnswerMapping.FromWire(message.Response));

    /// <inheritdoc/>
    public override CorrelationId SalvageCorrelationId(ReadOnlyMemory<byte> payload) => IdSalvage.Find(payload.Span, readsEvents);

    /// <inheritdoc/>
    public override void WriteHealth(IBufferWriter<byte> output, HealthStatus message) =>
        new Wire.AgentToProxy { Health = HealthMapping.ToWire(message) }.WriteTo(output);

    /// <inheritdoc/>
    public override HealthStatus ReadHealth(ReadOnlyMemory<byte> payload) =>
        Read(nameof(HealthStatus), payload, Wire.AgentToProxy.Parser, static message => HealthMapping.FromWire(message.Health));

    /// <inheritdoc/>
    public override void WriteMetrics(IBufferWriter<byte> output, MetricsReport message) =>
        new Wire.AgentToProxy { Metrics = MetricsMapping.ToWire(message) }.WriteTo(output);

    /// <inheritdoc/>
    public override MetricsReport ReadMetrics(ReadOnlyMemory<byte> payload) =>
        Read(nameof(MetricsReport), payload, Wire.AgentToProxy.Parser, static message => MetricsMapping.FromWire(message.Metrics));

    /// <inheritdoc/>
    public override void WriteConfigUpdate(IBufferWriter<byte> output, ConfigUpdateRequest message) =>
        new Wire.AgentToProxy { ConfigUpdate = ConfigUpdateMapping.ToWire(message) }.WriteTo(output);

    /// <inheritdoc/>
    public override ConfigUpdateRequest ReadConfigUpdate(ReadOnlyMemory<byte> payload) =>
        Read(nameof(ConfigUpdateRequest), payload, Wire.AgentToProxy.Parser, static message => ConfigUpdateMapping.FromWire(message.ConfigUpdate));

    /// <inheritdoc/>
    public override void WriteFlowControl(IBufferWriter<byte> output, FlowControlSignal message) =>
        new Wire.AgentToProxy { FlowControl = ControlMapping.ToWire(message) }.WriteTo(output);

    /// <inheritdoc/>
    public override FlowControlSignal ReadFlowControl(ReadOnlyMemory<byte> payload) =>
        Read(nameof(FlowControlSignal), payload, Wire.AgentToProxy.Parser, static message => ControlMapping.FromWire(message.FlowControl));

    /// <inheritdoc/>
    public override void WriteLog(IBufferWriter<byte> output, AgentLogMessage message) =>
        new Wire.AgentToProxy { Log = ControlMapping.ToWire(message) }.WriteTo(output);

    /// <inheritdoc/>
    public override AgentLogMessage ReadLog(ReadOnlyMemory<byte> payload) =>
        Read(nameof(AgentLogMessage), payload, Wire.AgentToProxy.Parser, static message => ControlMapping.FromWire(message.Log));

    /// <summary>Parses a payload and makes of it what it stands for; bad bytes are a <see cref="ProtocolException"/>, and nothing else is.</summary>
    internal static TResult Read<TWire, TResult>(string what, ReadOnlyMemory<byte> payload, MessageParser<TWire> parser, Func<TWire, TResult> map)
        where TWire : IMessage<TWire>
    {
        try
        {
            return map(parser.ParseFrom(payload.Span));
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or JsonException)
        {
            throw ProtocolErrors.Undecodable(what, e);
        }
    }
}
