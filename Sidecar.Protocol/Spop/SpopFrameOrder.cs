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
        error = frame.Type switch
        {
            SpopFrameType.HaproxyHello when greeted => SpopError.Invalid("a second HAPROXY-HELLO on one connection"),
            SpopFrameType.HaproxyHello or SpopFrameType.HaproxyDisconnect => ErrorUnlessWhole(frame),
            var type when !greeted => SpopError.Invalid($"a frame of type {(byte)type} before HAPROXY-HELLO (1)"),
            SpopFrameType.AgentHello or SpopFrameType.AgentDisconnect or SpopFrameType.Ack =>
                SpopError.Invalid($"a frame of type {(byte)frame.Type}, which only agents send"),
            _ => default,
        };
        return error != default ? SpopFrameUse.Refuse : frame.Type switch
        {
            SpopFrameType.HaproxyHello => SpopFrameUse.Hello,
            SpopFrameType.HaproxyDisconnect => SpopFrameUse.Disconnect,
            SpopFrameType.Notify or SpopFrameType.Unset => SpopFrameUse.Message,
            _ => SpopFrameUse.Skip,
        };
    }

    // HELLO and DISCONNECT belong to no stream and come in one piece.
    private static SpopError ErrorUnlessWhole(in SpopFrame frame) =>
        !frame.IsFinal
            ? new(SpopStatus.FragmentationNotSupported, $"a frame of type {(byte)frame.Type} without FIN; it cannot be fragmented")
        : frame.IsAbort ? SpopError.Invalid($"a frame of type {(byte)frame.Type} with ABORT, which only messages can have")
        : frame.StreamId != 0 || frame.FrameId != 0
            ? SpopError.Invalid($"a frame of type {(byte)frame.Type} with ids {frame.StreamId}/{frame.FrameId}; both must be 0")
        : default;
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
