using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Encodings.Protobuf;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Encodings;
using static Sidecar.Tests.Fuzz.FuzzTarget;

namespace Sidecar.Tests.Fuzz;

/// <summary>What agents and proxies of the agent protocol send: every message in every encoding.</summary>
internal static class AgentTargets
{
    private static readonly MessageEncoding[] Encodings =
        [MessageEncodings.Json, MessageEncodings.MessagePack, MessageEncodings.MessagePackBinaryBody, ProtobufEncoding.OfAgent];

    public static IEnumerable<FuzzTarget> All =>
    [
        .. Of("json", MessageEncodings.Json, MessageEncodings.Json),
        .. Of("msgpack", MessageEncodings.MessagePack, MessageEncodings.MessagePack),
        .. Of("protobuf", ProtobufEncoding.OfProxy, ProtobufEncoding.OfAgent),
        OfMessage("protobuf.log", [Written(ProtobufEncoding.OfAgent.WriteLog, LogLine())], ProtobufEncoding.OfProxy.ReadLog,
            ProtobufEncoding.OfAgent.WriteLog),
        .. OfDialect("native", AgentDialect.Native),
        .. OfDialect("grpc", GrpcDialect.Instance),
        OfMessage("ping", Golden(MessageType.Ping), ControlCodec.ReadPing, ControlCodec.WritePing),
        new("grpc.ping", Pong, [Written(GrpcDialect.Instance.WritePing, new PingMessage(7, 9))]),
        OfMessage("registration.request", Golden(MessageType.HandshakeRequest, registration: true), HandshakeCodec.ReadRegistrationRequest,
            HandshakeCodec.WriteRegistrationRequest),
        OfMessage("registration.response", Golden(MessageType.HandshakeResponse, registration: true),
            HandshakeCodec.ReadRegistrationResponse, HandshakeCodec.WriteRegistrationResponse),
    ];

    /// <summary>The payloads of the golden frames of a type, in one encoding.</summary>
    public static IEnumerable<byte[]> Golden(MessageType type, bool json = true, bool registration = false) =>
        GoldenFrame.All.Where(frame => frame.Type == type && frame.IsJson == json && frame.IsRegistration == registration)
            .Select(static frame => frame.Payload);

    // Events are read by agents, everything else by proxies.
    private static IEnumerable<FuzzTarget> Of(string name, MessageEncoding proxy, MessageEncoding agent) =>
    [
        new($"{name}.event", input => Event(agent, input), [.. EventSeeds(agent)]),
        OfMessage($"{name}.answer", Seeds(MessageType.AgentResponse, proxy), proxy.ReadResponse, (output, answer) =>
            agent.WriteResponse(output, answer.CorrelationId, answer.Response), settles: true),
        OfMessage($"{name}.health", Seeds(MessageType.HealthStatus, proxy), proxy.ReadHealth, agent.WriteHealth),
        OfMessage($"{name}.metrics", Seeds(MessageType.MetricsReport, proxy), proxy.ReadMetrics, agent.WriteMetrics),
        OfMessage($"{name}.config-update", Seeds(MessageType.ConfigUpdateRequest, proxy), proxy.ReadConfigUpdate,
            agent.WriteConfigUpdate, settles: true),
        OfMessage($"{name}.flow-control", Seeds(MessageType.FlowControl, proxy), proxy.ReadFlowControl, agent.WriteFlowControl),
        new($"{name}.salvage", input => Salvage(proxy, agent, input),
            [.. Seeds(MessageType.AgentResponse, proxy), .. EventSeeds(agent).Select(static seed => seed[1..])]),
    ];

    private static IEnumerable<FuzzTarget> OfDialect(string name, AgentDialect dialect) =>
    [
        OfMessage($"{name}.handshake-request", [.. Read(MessageType.HandshakeRequest)
            .Select(message => Written(dialect.WriteRequest, (HandshakeRequest)message))], dialect.ReadRequest, dialect.WriteRequest),
        OfMessage($"{name}.handshake-response", [.. Read(MessageType.HandshakeResponse)
            .Select(message => Written(dialect.WriteResponse, (HandshakeResponse)message))], dialect.ReadResponse, dialect.WriteResponse),
        OfMessage($"{name}.cancel", [Written(dialect.WriteCancel, new CancelRequest(TypicalMessages.Id, CancelReason.Timeout, 5))],
            dialect.ReadCancel, dialect.WriteCancel),
    ];

    // An event goes on to agents of every encoding.
    private static string Event(MessageEncoding encoding, byte[] input)
    {
        if (input.Length == 0)
        {
            return "refused: nothing";
        }

        var type = (MessageType)((byte)MessageType.RequestHeaders + (input[0] % 8));
        if (TryRead(payload => encoding.ReadEvent(type, payload), input[1..], out var message) is { } refused)
        {
            return refused;
        }

        foreach (var other in Encodings)
        {
            RoundTrip(payload => other.ReadEvent(message!.Type, payload), other.WriteEvent, message!, settles: true);
        }

        return message!.GetType().Name;
    }

    private static string Salvage(MessageEncoding proxy, MessageEncoding agent, byte[] input)
    {
        var (answer, question) = (proxy.SalvageCorrelationId(input), agent.SalvageCorrelationId(input));
        return answer.IsEmpty && question.IsEmpty ? "refused: no id" : "an id";
    }

    private static string Pong(byte[] input)
    {
        var refused = TryRead(payload => Written<byte>((output, _) => GrpcDialect.Instance.WritePong(output, payload, 1), 0), input,
            out var pong);
        Require(refused is not null || pong!.Length > 0, "a ping has an empty pong");
        return refused ?? "pong";
    }

    private static IEnumerable<byte[]> EventSeeds(MessageEncoding encoding) =>
        from type in Enum.GetValues<MessageType>()
        where type is >= MessageType.RequestHeaders and <= MessageType.Configure
        from seed in Seeds(type, encoding)
        select (byte[])[(byte)(type - MessageType.RequestHeaders), .. seed];

    // The golden frames as they are, or in the encoding that has none.
    private static IEnumerable<byte[]> Seeds(MessageType type, MessageEncoding encoding) =>
        ReferenceEquals(encoding, MessageEncodings.Json) ? Golden(type)
        : ReferenceEquals(encoding, MessageEncodings.MessagePack) ? Golden(type, json: false)
        : Read(type).Select(message => TryWrite(encoding, message)).OfType<byte[]>();

    private static IEnumerable<object> Read(MessageType type) => GoldenFrame.All.Where(frame => frame.Type == type && !frame.IsRegistration)
        .Select(AnyMessage.Read);

    private static byte[]? TryWrite(MessageEncoding encoding, object message)
    {
        try
        {
            return AnyMessage.Write(encoding, message);
        }
        catch (ProtocolException)
        {
            // An answer that gRPC has no field for.
            return null;
        }
    }

    private static AgentLogMessage LogLine() => new()
    {
        Level = AgentLogLevel.Warn,
        Message = "two rules match",
        CorrelationId = TypicalMessages.Id,
        Fields = new Dictionary<string, string>(StringComparer.Ordinal) { ["rule"] = "942100" },
        TimestampMs = 1,
    };
}
