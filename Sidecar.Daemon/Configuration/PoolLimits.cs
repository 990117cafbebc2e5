namespace Sidecar.Daemon.Configuration;

/// <summary>The least and the most that numbers of <see cref="PoolOptions"/> may be, for flags and keys alike.</summary>
internal static class PoolLimits
{
    /// <summary>Connections of one agent: each has buffers and two loops.</summary>
    public static readonly (int Min, int Max) Connections = (1, 64);

    /// <summary>Endpoints of one agent, one process each.</summary>
    public static readonly (int Min, int Max) Endpoints = (1, 16);

    /// <summary>Failed attempts.</summary>
    public static readonly (int Min, int Max) UnhealthyAfter = (1, 1000);

    /// <summary>Calls on one connection.</summary>
    public static readonly (int Min, int Max) CallsPerConnection = (1, 65_536);

    /// <summary>Calls to one agent.</summary>
    public static readonly (int Min, int Max) CallsPerAgent = (1, 1_000_000);

    /// <summary>Calls that wait: each holds a timer and its event.</summary>
    public static readonly (int Min, int Max) Queue = (0, 65_536);

    /// <summary>Sticky sessions: each takes about 200 bytes.</summary>
    public static readonly (int Min, int Max) StickySessions = (1, 1_000_000);

    /// <summary>Percent.</summary>
    public static readonly (int Min, int Max) BreakerRate = (0, 100);

    /// <summary>Calls of a window.</summary>
    public static readonly (int Min, int Max) BreakerCalls = (1, 1_000_000);

    /// <summary>Failures in a row.</summary>
    public static readonly (int Min, int Max) BreakerFailures = (0, 1_000_000);
}
