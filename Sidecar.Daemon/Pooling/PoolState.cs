namespace Sidecar.Daemon.Pooling;

/// <summary>How an agent is as a whole: what its connections, its reports and our attempts to reach it add up to. Numbers are values of a gauge.</summary>
internal enum PoolState
{
    /// <summary>No connection yet, or none any more; the next attempts will tell. Callers wait a moment.</summary>
    Pending = 0,

    /// <summary>New exchanges are taken.</summary>
    Available = 1,

    /// <summary>New exchanges are taken, but the agent says that it is degraded or some of its connections take none.</summary>
    Degraded = 2,

    /// <summary>The agent asks to be sent nothing.</summary>
    Paused = 3,

    /// <summary>The agent finishes what it has and takes nothing new.</summary>
    Draining = 4,

    /// <summary>It cannot be reached, or none of its connections takes new exchanges. Its failure mode applies at once.</summary>
    Unhealthy = 5,
}
