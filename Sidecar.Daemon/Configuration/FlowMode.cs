namespace Sidecar.Daemon.Configuration;

/// <summary>What happens to an event when the agent asks to be sent nothing (spec §9.6).</summary>
internal enum FlowMode
{
    /// <summary>What the failure mode says: a pause is one more way of not inspecting.</summary>
    AsFailureMode,

    /// <summary>The exchange is refused.</summary>
    Closed,

    /// <summary>The agent is left out, counted and visible.</summary>
    Open,

    /// <summary>The event waits a while for the agent to go on; then as the failure mode says.</summary>
    Wait,
}
