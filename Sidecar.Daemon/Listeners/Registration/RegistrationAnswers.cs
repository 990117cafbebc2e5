using Sidecar.Daemon.Connections.Framed;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Listeners.Registration;

/// <summary>What a peer is told about its registration, as whole frames (spec §8).</summary>
internal static class RegistrationAnswers
{
    /// <summary>The registration of dialect R, which crashes an agent that gets no <see cref="DialectRAnswer"/> (spec §11.2).</summary>
    public const MessageType DialectRRequest = (MessageType)0x03;

    private const MessageType DialectRAnswer = (MessageType)0x04;

    /// <summary>The agent is let in.</summary>
    public static byte[] Accepted(string connectionId, string proxyVersion) => Answer(new RegistrationResponse
    {
        Success = true,
        ProxyId = Handshake.ProxyId,
        ProxyVersion = proxyVersion,
        ConnectionId = connectionId,
    });

    /// <summary>The agent is not let in.</summary>
    public static byte[] Refused(string error, string proxyVersion) => Answer(new RegistrationResponse
    {
        Error = error,
        ProxyId = Handshake.ProxyId,
        ProxyVersion = proxyVersion,
    });

    /// <summary>An agent of dialect R is not let in.</summary>
    public static byte[] RefusedDialectR(string error)
    {
        using var frame = FrameBuffer.Rent(DialectRAnswer);
        HandshakeCodec.WriteRegistrationAck(frame, accepted: false, error);
        return frame.Finish().ToArray(FrameFormat.Native);
    }

    private static byte[] Answer(RegistrationResponse response)
    {
        using var frame = FrameBuffer.Rent(MessageType.HandshakeResponse);
        HandshakeCodec.WriteRegistrationResponse(frame, response);
        return frame.Finish().ToArray(FrameFormat.Native);
    }
}
