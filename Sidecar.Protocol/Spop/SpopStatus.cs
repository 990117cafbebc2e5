namespace Sidecar.Protocol.Spop;

/// <summary>The status codes of a DISCONNECT frame (proxy integration §1.5). HAProxy 3.1 and newer shows others as 99.</summary>
public enum SpopStatus
{
    /// <summary>No error: an orderly end.</summary>
    Normal = 0,

    /// <summary>Reading or writing failed.</summary>
    IoError = 1,

    /// <summary>The peer took too long. HAProxy 2.x also ends idle connections with it.</summary>
    Timeout = 2,

    /// <summary>A frame is longer than the negotiated size.</summary>
    FrameTooBig = 3,

    /// <summary>A frame breaks the format or comes at the wrong time.</summary>
    InvalidFrame = 4,

    /// <summary>HELLO does not say which versions are spoken.</summary>
    VersionMissing = 5,

    /// <summary>HELLO does not say how long a frame may be.</summary>
    MaxFrameSizeMissing = 6,

    /// <summary>HELLO has no list of capabilities; an empty list is one.</summary>
    CapabilitiesMissing = 7,

    /// <summary>No common version: we speak 2.0.</summary>
    UnsupportedVersion = 8,

    /// <summary>The frame size offered is below <see cref="SpopLimits.MinFrameSize"/> or no size at all.</summary>
    BadMaxFrameSize = 9,

    /// <summary>A frame without FIN where no fragments are taken.</summary>
    FragmentationNotSupported = 10,

    /// <summary>A new message of a stream whose fragmented message is not finished.</summary>
    InterlacedFrames = 11,

    /// <summary>A fragment that belongs to no message begun.</summary>
    FrameIdNotFound = 12,

    /// <summary>A bound on memory or on open work was reached.</summary>
    ResourceAllocation = 13,

    /// <summary>Anything else.</summary>
    Unknown = 99,
}

/// <summary>What was wrong with a peer's input: the status for the DISCONNECT, and a text with the value seen and the limit.</summary>
/// <param name="Status">Never <see cref="SpopStatus.Normal"/> for an error that was reported.</param>
/// <param name="Message">ASCII, our own words and numbers only, so that it can go into a log and onto the wire.</param>
public readonly record struct SpopError(SpopStatus Status, string Message)
{
    /// <summary>An error of the format.</summary>
    internal static SpopError Invalid(string message) => new(SpopStatus.InvalidFrame, message);

    /// <summary>The same, for whoever gives up because of it.</summary>
    /// <returns>False.</returns>
    internal static bool Fails(string message, out SpopError error)
    {
        error = Invalid(message);
        return false;
    }
}
