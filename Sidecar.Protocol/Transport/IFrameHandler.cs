namespace Sidecar.Protocol.Transport;

/// <summary>Takes the frames of one connection.</summary>
public interface IFrameHandler
{
    /// <summary>
    /// One whole frame. Runs on the read loop: it must neither block nor run other people's code. What it sends is flushed when all has
    /// been handed out that came with this frame.
    /// </summary>
    /// <param name="type">The type byte, whether known or not.</param>
    /// <param name="payload">Valid until the method returns.</param>
    void OnFrame(MessageType type, ReadOnlyMemory<byte> payload);

    /// <summary>
    /// What the read loop waits for before it hands out another frame; null, as long as nothing else is said, for nothing. Asked after each
    /// <see cref="OnFrame"/>. Meanwhile bytes pile up in front of the loop, then in the kernel, then with the peer. The end of the
    /// connection ends the wait.
    /// </summary>
    Task? Pause => null;

    /// <summary>No further frame comes. Called exactly once, after the last <see cref="OnFrame"/>.</summary>
    /// <param name="end">Why.</param>
    /// <param name="error">The error behind it, if any.</param>
    void OnEnd(FrameConnectionEnd end, Exception? error);
}

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
