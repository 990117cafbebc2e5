namespace Sidecar.Protocol.Spop;

/// <summary>What a frame is for, at the moment it arrives.</summary>
public enum SpopFrameUse
{
    /// <summary>The HELLO of a new connection: read it with <see cref="SpopHello"/>, answer at once.</summary>
    Hello,

    /// <summary>A message or a fragment of one: hand it to the <see cref="SpopReassembler"/>.</summary>
    Message,

    /// <summary>The peer ends the connection: read it with <see cref="SpopDisconnect"/>, answer with one and close.</summary>
    Disconnect,

    /// <summary>A type nobody has defined yet; the protocol lets us skip it.</summary>
    Skip,

    /// <summary>The frame breaks the order of the protocol: DISCONNECT with the error's status and close.</summary>
    Refuse,
}
