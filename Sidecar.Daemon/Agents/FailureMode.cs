namespace Sidecar.Daemon.Agents;

/// <summary>What happens to an exchange that an agent could not inspect.</summary>
internal enum FailureMode
{
    /// <summary>It is refused. The default: passing uninspected is the operator's decision.</summary>
    Closed,

    /// <summary>It passes, counted and visible.</summary>
    Open,
}

/// <summary>How an agent takes part (rule 10).</summary>
internal enum AgentMode
{
    /// <summary>Asked, and its answer is applied.</summary>
    Enforce,

    /// <summary>Asked off the request's path, recorded, never applied.</summary>
    Monitor,

    /// <summary>Not asked.</summary>
    Off,
}
