namespace Sidecar.Protocol.Transport;

/// <summary>Why a connection ended. Set once, used in logs, metrics and the error that waiting callers see.</summary>
public enum FrameConnectionEnd
{
    /// <summary>It has not ended.</summary>
    None = 0,

    /// <summary>The peer closed between two frames.</summary>
    ClosedByPeer,

    /// <summary>We closed it.</summary>
    ClosedLocally,

    /// <summary>The peer closed in the middle of a frame.</summary>
    TruncatedFrame,

    /// <summary>A frame announced length 0, which cannot even hold its type.</summary>
    ZeroLengthFrame,

    /// <summary>A frame announced more than the limit.</summary>
    FrameTooLong,

    /// <summary>The peer broke the protocol in a way that only ends the connection.</summary>
    ProtocolViolation,

    /// <summary>Reading or writing failed.</summary>
    TransportError,

    /// <summary>The code that takes the frames failed: a defect of ours.</summary>
    HandlerFailure,
}
