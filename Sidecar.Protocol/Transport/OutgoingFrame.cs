using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Transport;

/// <summary>A message to be sent, before it is known which format frames it.</summary>
/// <param name="type">Its type; formats without a place for it leave it out.</param>
/// <param name="payload">Its payload, valid for as long as whoever made it says.</param>
public readonly struct OutgoingFrame(MessageType type, ReadOnlyMemory<byte> payload)
{
    /// <summary>Its type.</summary>
    public MessageType Type => type;

    /// <summary>Its payload.</summary>
    public ReadOnlyMemory<byte> Payload => payload;

    /// <summary>Header and payload in bytes of their own, for what is sent outside of a connection.</summary>
    public byte[] ToArray(FrameFormat format)
    {
        ArgumentNullException.ThrowIfNull(format);
        var bytes = new byte[format.HeaderSize + payload.Length];
        format.WriteHeader(bytes, (byte)type, payload.Length);
        payload.Span.CopyTo(bytes.AsSpan(format.HeaderSize));
        return bytes;
    }
}
