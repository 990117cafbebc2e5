namespace Sidecar.Protocol.Spop;

/// <summary>One complete frame, still lying in the buffer it was read from (layout at <see cref="SpopLimits"/>).</summary>
/// <remarks>The payload is valid only until that buffer is advanced.</remarks>
/// <param name="Type">The type, known or not.</param>
/// <param name="Flags">FIN and ABORT; a frame with others is refused by the scanner.</param>
/// <param name="StreamId">
/// The stream that the frame is about: any value, 0 for HELLO and DISCONNECT and for the first stream of HAProxy 2.x; echoed in the ACK and
/// never an id of a transaction (proxy integration §1.1).
/// </param>
/// <param name="FrameId">The message within the stream: any value, echoed in the ACK.</param>
/// <param name="Payload">What follows the ids, in place, not copied; may be empty.</param>
public readonly record struct SpopFrame(
    SpopFrameType Type, SpopFrameFlags Flags, ulong StreamId, ulong FrameId, ReadOnlySequence<byte> Payload)
{
    /// <summary>Whether no fragment follows.</summary>
    public bool IsFinal => (Flags & SpopFrameFlags.Fin) != 0;

    /// <summary>Whether the sender gave the message up.</summary>
    public bool IsAbort => (Flags & SpopFrameFlags.Abort) != 0;
}

/// <summary>The flags of a frame (proxy integration §1.2); the other 30 bits are reserved.</summary>
[Flags]
public enum SpopFrameFlags : uint
{
    /// <summary>More fragments follow.</summary>
    None = 0,

    /// <summary>The last or only fragment.</summary>
    Fin = 1,

    /// <summary>Forget what was sent of this message.</summary>
    Abort = 2,
}

/// <summary>The type of a frame (proxy integration §1.2). Other values may arrive.</summary>
public enum SpopFrameType : byte
{
    /// <summary>HAProxy 2.x to agent: the continuation of a fragmented <see cref="Notify"/>.</summary>
    Unset = 0,

    /// <summary>HAProxy to agent, first of a connection: what it offers.</summary>
    HaproxyHello = 1,

    /// <summary>HAProxy to agent, last of a connection: why it ends.</summary>
    HaproxyDisconnect = 2,

    /// <summary>HAProxy to agent: messages about one stream, answered by one <see cref="Ack"/>.</summary>
    Notify = 3,

    /// <summary>Agent to HAProxy: what was agreed.</summary>
    AgentHello = 101,

    /// <summary>Agent to HAProxy, last of a connection: why it ends.</summary>
    AgentDisconnect = 102,

    /// <summary>Agent to HAProxy: the variables to set, the answer to one <see cref="Notify"/>.</summary>
    Ack = 103,
}
