using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Transport;

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
