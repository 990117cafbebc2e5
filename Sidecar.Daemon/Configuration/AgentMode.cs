namespace Sidecar.Daemon.Configuration;

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
