using System.Buffers;

namespace Sidecar.Protocol.Framing;

/// <summary>One complete frame, still lying in the buffer it was read from.</summary>
/// <remarks>The payload is valid only until that buffer is advanced or returned; whoever keeps it longer copies it.</remarks>
public readonly struct Frame
{
    /// <summary>Joins a message type and its payload.</summary>
    /// <param name="type">The message type T (spec §2.2); any value, because the layer above skips types it does not know.</param>
    /// <param name="payload">The L - 1 bytes after the type; may be empty.</param>
    public Frame(byte type, ReadOnlySequence<byte> payload)
    {
        Type = type;
        Payload = payload;
    }

    /// <summary>The message type T (spec §2.2), known or not.</summary>
    public byte Type { get; }

    /// <summary>The payload in place, not copied; 0 to <see cref="FrameLimits.MaxLength"/> - 1 bytes.</summary>
    public ReadOnlySequence<byte> Payload { get; }
}
