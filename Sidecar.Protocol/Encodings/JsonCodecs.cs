using Codec = Sidecar.Protocol.Encodings.Codecs.Codec<
    Sidecar.Protocol.Encodings.Values.JsonValueReader, Sidecar.Protocol.Encodings.Values.JsonValueWriter>;
using Json = Sidecar.Protocol.Encodings.ValueEncoding<
    Sidecar.Protocol.Encodings.Values.JsonValueReader, Sidecar.Protocol.Encodings.Values.JsonValueWriter>;

namespace Sidecar.Protocol.Encodings;

/// <summary>The messages that open a connection, always JSON (spec §3, §8). Stateless, safe from any thread.</summary>
/// <remarks>Writers emit every member; readers take defaults for what is missing and ignore what they do not know (spec §3.2).</remarks>
public static class HandshakeCodec
{
    /// <summary>Writes the proxy's opening message; encodings that nobody knows are kept as they came.</summary>
    public static void WriteRequest(IBufferWriter<byte> output, HandshakeRequest message) =>
        Json.Write(output, message, Codec.HandshakeRequest.Write);

    /// <summary>Reads the proxy's opening message; encodings that nobody knows are kept as they came.</summary>
    /// <exception cref="ProtocolException">It is no such message, or <c>supported_versions</c> is missing.</exception>
    public static HandshakeRequest ReadRequest(ReadOnlyMemory<byte> payload) =>
        Json.Read(payload, nameof(HandshakeRequest), Codec.HandshakeRequest.Read);

    /// <summary>Writes the agent's answer; whether its encoding was offered is for the caller to check.</summary>
    public static void WriteResponse(IBufferWriter<byte> output, HandshakeResponse message) =>
        Json.Write(output, message, Codec.WriteHandshakeResponse);

    /// <summary>Reads the agent's answer; whether its encoding was offered is for the caller to check.</summary>
    /// <exception cref="ProtocolException">
    /// It is no such message, or <c>success</c>, <c>protocol_version</c> or (with success) <c>capabilities</c> is missing.
    /// </exception>
    public static HandshakeResponse ReadResponse(ReadOnlyMemory<byte> payload) =>
        Json.Read(payload, nameof(HandshakeResponse), Codec.ReadHandshakeResponse);

    /// <summary>Writes a registration.</summary>
    public static void WriteRegistrationRequest(IBufferWriter<byte> output, RegistrationRequest message) =>
        Json.Write(output, message, Codec.RegistrationRequest.Write);

    /// <summary>Reads a registration.</summary>
    /// <exception cref="ProtocolException">
    /// It is no such message, or <c>protocol_version</c>, <c>agent_id</c> or <c>capabilities</c> is missing.
    /// </exception>
    public static RegistrationRequest ReadRegistrationRequest(ReadOnlyMemory<byte> payload) =>
        Json.Read(payload, nameof(RegistrationRequest), Codec.RegistrationRequest.Read);

    /// <summary>Writes the answer to a registration.</summary>
    public static void WriteRegistrationResponse(IBufferWriter<byte> output, RegistrationResponse message) =>
        Json.Write(output, message, Codec.RegistrationResponse.Write);

    /// <summary>Reads the answer to a registration.</summary>
    /// <exception cref="ProtocolException">It is no such message, or <c>success</c> is missing.</exception>
    public static RegistrationResponse ReadRegistrationResponse(ReadOnlyMemory<byte> payload) =>
        Json.Read(payload, nameof(RegistrationResponse), Codec.RegistrationResponse.Read);

    /// <summary>Writes the answer to a registration of dialect R (spec §11.2, type 0x04), for agents that crash without one.</summary>
    public static void WriteRegistrationAck(IBufferWriter<byte> output, bool accepted, string? error)
    {
        var w = new JsonValueWriter(output);
        Codec.WriteRegistrationAck(ref w, accepted, error);
        w.Flush();
    }
}

/// <summary>The control messages that are JSON whatever was negotiated (spec §2.2, §6.6, §6.7). Stateless, safe from any thread.</summary>
public static class ControlCodec
{
    /// <summary>Writes a cancel; a reason that nobody knows is taken as manual.</summary>
    public static void WriteCancel(IBufferWriter<byte> output, CancelRequest message) => Json.Write(output, message, Codec.Cancel.Write);

    /// <summary>Reads a cancel; a reason that nobody knows is taken as manual.</summary>
    /// <exception cref="ProtocolException">It is no such message, or <c>correlation_id</c> is missing.</exception>
    public static CancelRequest ReadCancel(ReadOnlyMemory<byte> payload) => Json.Read(payload, nameof(CancelRequest), Codec.Cancel.Read);

    /// <summary>Writes a ping or the pong that repeats it.</summary>
    public static void WritePing(IBufferWriter<byte> output, PingMessage message) => Json.Write(output, message, Codec.Ping.Write);

    /// <summary>Reads a ping or the pong that repeats it.</summary>
    /// <exception cref="ProtocolException">It is no such message.</exception>
    public static PingMessage ReadPing(ReadOnlyMemory<byte> payload) => Json.Read(payload, nameof(PingMessage), Codec.Ping.Read);
}
