namespace Sidecar.Protocol.Spop;

/// <summary>What a NOTIFY or UNSET frame led to.</summary>
public enum SpopAssembly
{
    /// <summary>The message is whole: read it with <see cref="SpopNotify"/> and answer it.</summary>
    Complete,

    /// <summary>More fragments follow.</summary>
    Collecting,

    /// <summary>HAProxy gave the message up; nobody waits for an answer.</summary>
    Aborted,

    /// <summary>
    /// The message has ended but was not kept: too large, too many at once, or too old. Its stream waits for an ACK with the failure
    /// mode's verdict; the error says why.
    /// </summary>
    Refused,

    /// <summary>The frame breaks the rules: DISCONNECT with the error's status and close.</summary>
    Violation,
}
