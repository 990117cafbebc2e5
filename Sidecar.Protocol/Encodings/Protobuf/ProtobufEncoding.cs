using Google.Protobuf;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>
/// Messages as protobuf: each payload is a whole <see cref="Wire.ProxyToAgent"/> or <see cref="Wire.AgentToProxy"/> (spec §7.3).
/// </summary>
/// <remarks>
/// A proxy writes the former and reads the latter, an agent the other way round; which it is matters only for finding ids in broken
/// payloads.
/// </remarks>
/// <param name="readsEvents">Whether what is read are events: that is an agent's.</param>
internal sealed class ProtobufEncoding(bool readsEvents) : MessageEncoding
{
    public static readonly ProtobufEncoding OfProxy = new(readsEvents: false);

    public static readonly ProtobufEncoding OfAgent = new(readsEvents: true);

    public override string Name => "protobuf";

    public override bool CanLog => true;

    public override void WriteEvent(IBufferWriter<byte> output, AgentEvent message) => EventMapping.ToWire(message).WriteTo(output);

    public override AgentEvent ReadEvent(MessageType type, ReadOnlyMemory<byte> payload) =>
        ReadMember(type.ToString(), payload, Wire.ProxyToAgent.Parser, static message => message, EventMapping.FromWire);

    public override void WriteResponse(IBufferWriter<byte> output, CorrelationId correlationId, AgentResponse response) =>
        new Wire.AgentToProxy { Response = AnswerMapping.ToWire(correlationId, response) }.WriteTo(output);

    public override AgentAnswer ReadResponse(ReadOnlyMemory<byte> payload) =>
        FromAgent(nameof(AgentResponse), payload, static message => message.Response, AnswerMapping.FromWire);

    public override CorrelationId SalvageCorrelationId(ReadOnlyMemory<byte> payload) => ProtobufIdScanner.Find(payload, readsEvents);

    public override void WriteHealth(IBufferWriter<byte> output, HealthStatus message) =>
        new Wire.AgentToProxy { Health = HealthMapping.ToWire(message) }.WriteTo(output);

    public override HealthStatus ReadHealth(ReadOnlyMemory<byte> payload) =>
        FromAgent(nameof(HealthStatus), payload, static message => message.Health, HealthMapping.FromWire);

    public override void WriteMetrics(IBufferWriter<byte> output, MetricsReport message) =>
        new Wire.AgentToProxy { Metrics = MetricsMapping.ToWire(message) }.WriteTo(output);

    public override MetricsReport ReadMetrics(ReadOnlyMemory<byte> payload) =>
        FromAgent(nameof(MetricsReport), payload, static message => message.Metrics, MetricsMapping.FromWire);

    public override void WriteConfigUpdate(IBufferWriter<byte> output, ConfigUpdateRequest message) =>
        new Wire.AgentToProxy { ConfigUpdate = ConfigUpdateMapping.ToWire(message) }.WriteTo(output);

    public override ConfigUpdateRequest ReadConfigUpdate(ReadOnlyMemory<byte> payload) =>
        FromAgent(nameof(ConfigUpdateRequest), payload, static message => message.ConfigUpdate, ConfigUpdateMapping.FromWire);

    public override void WriteFlowControl(IBufferWriter<byte> output, FlowControlSignal message) =>
        new Wire.AgentToProxy { FlowControl = ControlMapping.ToWire(message) }.WriteTo(output);

    public override FlowControlSignal ReadFlowControl(ReadOnlyMemory<byte> payload) =>
        FromAgent(nameof(FlowControlSignal), payload, static message => message.FlowControl, ControlMapping.FromWire);

    public override void WriteLog(IBufferWriter<byte> output, AgentLogMessage message) =>
        new Wire.AgentToProxy { Log = ControlMapping.ToWire(message) }.WriteTo(output);

    public override AgentLogMessage ReadLog(ReadOnlyMemory<byte> payload) =>
        FromAgent(nameof(AgentLogMessage), payload, static message => message.Log, ControlMapping.FromWire);

    /// <summary>
    /// Parses a payload and makes of a member of its oneof what it stands for; bad bytes are a <see cref="ProtocolException"/>, and so is a
    /// payload with another member, or with none.
    /// </summary>
    internal static TResult ReadMember<TWire, TMember, TResult>(
        string what, ReadOnlyMemory<byte> payload, MessageParser<TWire> parser, Func<TWire, TMember?> member, Func<TMember, TResult> map)
        where TWire : IMessage<TWire>
        where TMember : class
    {
        if (!WireShape.Of(parser).Fits(new ReadOnlySequence<byte>(payload)))
        {
            throw new ProtocolException(
                $"the payload is no {what}: a field of its {payload.Length} bytes reaches beyond the message it is in");
        }

        try
        {
            return map(member(parser.ParseFrom(payload.Span)) ?? throw new ProtocolException($"the message holds no {what}"));
        }
        catch (Exception e) when (e is InvalidProtocolBufferException || ProtocolErrors.IsBadInput(e))
        {
            throw ProtocolErrors.Undecodable(what, e);
        }
    }

    private static TResult FromAgent<TMember, TResult>(
        string what, ReadOnlyMemory<byte> payload, Func<Wire.AgentToProxy, TMember?> member, Func<TMember, TResult> map)
        where TMember : class => ReadMember(what, payload, Wire.AgentToProxy.Parser, member, map);
}
