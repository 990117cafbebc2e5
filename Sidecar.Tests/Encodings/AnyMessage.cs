using System.Buffers;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Encodings.Codecs;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

/// <summary>Reads and writes a message of any type, so that a test can treat all frames alike.</summary>
internal static class AnyMessage
{
    public static object Read(GoldenFrame frame) => Read(Encoding(frame.IsJson), frame.Type, frame.IsRegistration, frame.Payload);

    public static object Read(MessageEncoding encoding, MessageType type, bool registration, ReadOnlyMemory<byte> payload) => type switch
    {
        MessageType.HandshakeRequest when registration => HandshakeCodec.ReadRegistrationRequest(payload),
        MessageType.HandshakeResponse when registration => HandshakeCodec.ReadRegistrationResponse(payload),
        MessageType.HandshakeRequest => HandshakeCodec.ReadRequest(payload),
        MessageType.HandshakeResponse => HandshakeCodec.ReadResponse(payload),
        MessageType.AgentResponse => encoding.ReadResponse(payload),
        MessageType.HealthStatus => encoding.ReadHealth(payload),
        MessageType.MetricsReport => encoding.ReadMetrics(payload),
        MessageType.ConfigUpdateRequest => encoding.ReadConfigUpdate(payload),
        MessageType.FlowControl => encoding.ReadFlowControl(payload),
        MessageType.Cancel => ReadCancel(encoding, payload),
        MessageType.Ping or MessageType.Pong => ControlCodec.ReadPing(payload),
        _ => encoding.ReadEvent(type, payload),
    };

    public static byte[] Write(MessageEncoding encoding, object message)
    {
        var output = new ArrayBufferWriter<byte>();
        switch (message)
        {
            case HandshakeRequest request:
                HandshakeCodec.WriteRequest(output, request);
                break;
            case HandshakeResponse response:
                HandshakeCodec.WriteResponse(output, response);
                break;
            case RegistrationRequest request:
                HandshakeCodec.WriteRegistrationRequest(output, request);
                break;
            case RegistrationResponse response:
                HandshakeCodec.WriteRegistrationResponse(output, response);
                break;
            case AgentAnswer answer:
                encoding.WriteResponse(output, answer.CorrelationId, answer.Response);
                break;
            case HealthStatus health:
                encoding.WriteHealth(output, health);
                break;
            case MetricsReport metrics:
                encoding.WriteMetrics(output, metrics);
                break;
            case ConfigUpdateRequest update:
                encoding.WriteConfigUpdate(output, update);
                break;
            case FlowControlSignal flow:
                encoding.WriteFlowControl(output, flow);
                break;
            case CancelRequest cancel:
                ControlCodec.WriteCancel(output, cancel);
                break;
            case PingMessage ping:
                ControlCodec.WritePing(output, ping);
                break;
            default:
                encoding.WriteEvent(output, (AgentEvent)message);
                break;
        }

        return output.WrittenSpan.ToArray();
    }

    /// <summary>These are JSON whatever was negotiated.</summary>
    public static bool IsAlwaysJson(MessageType type) => type is MessageType.HandshakeRequest or MessageType.HandshakeResponse
        or MessageType.Cancel or MessageType.Ping or MessageType.Pong;

    public static MessageEncoding Encoding(bool json) => json ? MessageEncodings.Json : MessageEncodings.MessagePack;

    // The reference's library can write a cancel in MessagePack, though no peer of ours ever receives it.
    private static CancelRequest ReadCancel(MessageEncoding encoding, ReadOnlyMemory<byte> payload) =>
        ReferenceEquals(encoding, MessageEncodings.Json)
            ? ControlCodec.ReadCancel(payload)
            : Bytes.Read(payload, static (ref MessagePackValueReader r) => Codec<MessagePackValueReader, MessagePackValueWriter>.Cancel.Read(ref r), out _);
}
