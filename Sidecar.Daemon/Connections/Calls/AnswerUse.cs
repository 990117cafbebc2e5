namespace Sidecar.Daemon.Connections.Calls;

/// <summary>What an answer was good for.</summary>
internal enum AnswerUse
{
    /// <summary>A call waited for it.</summary>
    Taken,

    /// <summary>It was owed for a call that had ended without it.</summary>
    Late,

    /// <summary>Nobody had asked for it.</summary>
    Unasked,
}
