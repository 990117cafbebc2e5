using System.Buffers;
using Sidecar.Protocol.Messages;
using Codec = Sidecar.Protocol.Encodings.Codecs.Codec<
    Sidecar.Protocol.Encodings.Values.JsonValueReader, Sidecar.Protocol.Encodings.Values.JsonValueWriter>;
using Json = Sidecar.Protocol.Encodings.ValueEncoding<
    Sidecar.Protocol.Encodings.Values.JsonValueReader, Sidecar.Protocol.Encodings.Values.JsonValueWriter>;

namespace Sidecar.Protocol.Encodings;

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
