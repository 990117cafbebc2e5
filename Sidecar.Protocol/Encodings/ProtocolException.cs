namespace Sidecar.Protocol.Encodings;

/// <summary>A peer sent a payload that is not the message it should be. The message names what was wrong and the value seen.</summary>
/// <remarks>It concerns one message, not the connection: the frame around it was whole.</remarks>
public sealed class ProtocolException : Exception
{
    /// <summary>An error with what was wrong.</summary>
    public ProtocolException(string message)
        : base(message)
    {
    }

    /// <summary>An error with what was wrong and why.</summary>
    public ProtocolException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
