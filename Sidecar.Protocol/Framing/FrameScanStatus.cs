namespace Sidecar.Protocol.Framing;

/// <summary>What a <see cref="FrameFormat"/> found at the start of a buffer.</summary>
public enum FrameScanStatus
{
    /// <summary>
    /// The start of a frame, or nothing; more bytes decide. At the end of the stream: a clean close if the buffer is empty, else a
    /// truncated frame (spec §2.1).
    /// </summary>
    NeedMore,

    /// <summary>A complete frame.</summary>
    Frame,

    /// <summary>L = 0: there is not even a type. The stream is out of step; close it (spec §2.1).</summary>
    ZeroLength,

    /// <summary>L is above the limit. Nothing was allocated for it; close the stream (spec §2.1).</summary>
    TooLong,

    /// <summary>The payload is compressed, which nobody agreed on. Only on streams of gRPC; close it.</summary>
    Compressed,

    /// <summary>The payload is no message at all. Only where the type stands inside of it; close the stream.</summary>
    Malformed,
}
