namespace Sidecar.Protocol.Spop;

/// <summary>What <see cref="SpopFrameScanner"/> found at the start of a buffer.</summary>
public enum SpopScanStatus
{
    /// <summary>
    /// The start of a frame, or nothing; more bytes decide. At the end of the stream: a clean close if the buffer is empty, else a
    /// truncated frame.
    /// </summary>
    NeedMore,

    /// <summary>A complete frame.</summary>
    Frame,

    /// <summary>No frame can begin like this. Send DISCONNECT with the error's status and close.</summary>
    Invalid,
}
