namespace Sidecar.Protocol.MessagePack;

/// <summary>The bytes of a peer are not the MessagePack value that was asked for. The only exception bad input can cause.</summary>
public sealed class MessagePackFormatException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What was wrong, the code seen, where, and the limit that was broken.</param>
    /// <param name="offset">Offset of the offending token from the start of the message, in bytes.</param>
    /// <param name="code">Leading byte of that token, or null where the message ended before it.</param>
    public MessagePackFormatException(string message, int offset, byte? code)
        : base(message)
    {
        Offset = offset;
        Code = code;
    }

    /// <summary>Offset of the offending token from the start of the message, in bytes.</summary>
    public int Offset { get; }

    /// <summary>Leading byte of that token, or null where the message ended before it.</summary>
    public byte? Code { get; }
}
