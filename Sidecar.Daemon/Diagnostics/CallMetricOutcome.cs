namespace Sidecar.Daemon.Diagnostics;

/// <summary>What a call's end means for the families of spec §9.11.</summary>
internal enum CallMetricOutcome
{
    /// <summary>Nothing was sent, for a reason that has no family of its own.</summary>
    Unsent,

    /// <summary>The agent answered, well or badly.</summary>
    Answered,

    /// <summary>No answer in time.</summary>
    TimedOut,

    /// <summary>The connection failed or was closed during the call.</summary>
    ConnectionError,

    /// <summary>The event could not be encoded, or not within the agent's limits.</summary>
    SerializationError,

    /// <summary>The agent had asked to be sent nothing.</summary>
    FlowControl,

    /// <summary>It was sent and then no longer wanted.</summary>
    Withdrawn,
}
