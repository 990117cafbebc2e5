using Sidecar.Protocol.Framing;

namespace Sidecar.Protocol.Transport;

/// <summary>A message to be sent, before it is known which format frames it.</summary>
/// <param name="Type">Its type; formats without a place for it leave it out.</param>
/// <param name="Payload">Its payload, valid for as long as whoever made it says.</param>
public readonly record struct OutgoingFrame(MessageType Type, ReadOnlyMemory<byte> Payload)
{
    /// <summary>Header and payload in bytes of their own, for what is sent outside of a connection.</summary>
    public byte[] ToArray(FrameFormat format)
    {
        ArgumentNullException.ThrowIfNull(format);
        var bytes = new byte[format.HeaderSize + Payload.Length];
        format.WriteHeader(bytes, (byte)Type, Payload.Length);
        Payload.Span.CopyTo(bytes.AsSpan(format.HeaderSize));
        return bytes;
    }
}

/// <summary>What became of a frame that was to be sent.</summary>
public enum SendStatus
{
    /// <summary>It is in the connection's buffer and will be written unless the connection ends.</summary>
    Sent,

    /// <summary>The buffer is full: the peer does not read fast enough. Nothing was taken.</summary>
    Full,

    /// <summary>The connection has ended. Nothing was taken.</summary>
    Closed,
}

/// <summary>A message is too large for one frame; nothing of it was sent.</summary>
public sealed class FrameTooLongException : Exception
{
    /// <summary>An error that names the message, its size and the limit.</summary>
    public FrameTooLongException(MessageType type, int payloadLength, int largest)
        : base($"a {type} message of {payloadLength} bytes does not fit into a frame; " +
            $"the limit is {largest} bytes of payload; send it in smaller pieces")
    {
    }
}
