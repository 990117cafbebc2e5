namespace Sidecar.Tests.Support;

/// <summary>What a <see cref="FaultAgent"/> may do instead of answering an event well.</summary>
internal enum Fault
{
    /// <summary>Never answers.</summary>
    Stall,

    /// <summary>Answers after a while.</summary>
    Late,

    /// <summary>Answers byte by byte.</summary>
    Drip,

    /// <summary>Answers after the next event.</summary>
    OutOfOrder,

    /// <summary>Answers twice.</summary>
    Twice,

    /// <summary>Answers for an exchange that nobody has.</summary>
    WrongId,

    /// <summary>Answers for no exchange.</summary>
    EmptyId,

    /// <summary>Answers with bytes that are no message.</summary>
    Garbage,

    /// <summary>Answers with a decision that nobody knows.</summary>
    BadAnswer,

    /// <summary>Answers with a number that is none.</summary>
    NotANumber,

    /// <summary>Sends a part of an answer and closes its sending side.</summary>
    Truncate,

    /// <summary>Closes its sending side.</summary>
    HalfClose,

    /// <summary>Announces a frame of 4 GiB.</summary>
    Oversized,

    /// <summary>Announces a frame of no bytes.</summary>
    ZeroLength,

    /// <summary>Breaks its connection.</summary>
    Vanish,

    /// <summary>Reads nothing for a while.</summary>
    StopReading,

    /// <summary>Asks to be sent nothing, and takes it back after a while.</summary>
    Pause,
}
