namespace Sidecar.Protocol.Spop;

/// <summary>Which frame may come when (proxy integration §1.2, §1.5). Pure: the caller knows whether HELLO was answered.</summary>
public static class SpopFrameOrder
{
    /// <summary>Says what a frame from HAProxy is for.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="greeted">Whether HELLO was answered on this connection.</param>
    /// <param name="error">Why it is refused.</param>
    public static SpopFrameUse Judge(in SpopFrame frame, bool greeted, out SpopError error)
    {
        error = default;
        switch (frame.Type)
        {
            case SpopFrameType.HaproxyDisconnect:
                return IsWhole(frame, out error) ? SpopFrameUse.Disconnect : SpopFrameUse.Refuse;
            case SpopFrameType.HaproxyHello when greeted:
                error = SpopError.Invalid("a second HAPROXY-HELLO on one connection");
                return SpopFrameUse.Refuse;
            case SpopFrameType.HaproxyHello:
                return IsWhole(frame, out error) ? SpopFrameUse.Hello : SpopFrameUse.Refuse;
            case var type when !greeted:
                error = SpopError.Invalid($"a frame of type {(byte)type} before HAPROXY-HELLO (1)");
                return SpopFrameUse.Refuse;
            case SpopFrameType.Notify or SpopFrameType.Unset:
                return SpopFrameUse.Message;
            case SpopFrameType.AgentHello or SpopFrameType.AgentDisconnect or SpopFrameType.Ack:
                error = SpopError.Invalid($"a frame of type {(byte)frame.Type}, which only agents send");
                return SpopFrameUse.Refuse;
            default:
                return SpopFrameUse.Skip;
        }
    }

    /// <summary>HELLO and DISCONNECT belong to no stream and come in one piece.</summary>
    private static bool IsWhole(in SpopFrame frame, out SpopError error)
    {
        error = default;
        if (!frame.IsFinal)
        {
            error = new(SpopStatus.FragmentationNotSupported, $"a frame of type {(byte)frame.Type} without FIN; it cannot be fragmented");
        }
        else if (frame.IsAbort)
        {
            error = SpopError.Invalid($"a frame of type {(byte)frame.Type} with ABORT, which only messages can have");
        }
        else if (frame.StreamId != 0 || frame.FrameId != 0)
        {
            error = SpopError.Invalid($"a frame of type {(byte)frame.Type} with ids {frame.StreamId}/{frame.FrameId}; both must be 0");
        }

        return error == default;
    }
}

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
