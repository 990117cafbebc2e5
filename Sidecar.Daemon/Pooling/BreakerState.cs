namespace Sidecar.Daemon.Pooling;

/// <summary>What a circuit breaker lets through. Numbers are values of a gauge.</summary>
internal enum BreakerState
{
    /// <summary>Every call.</summary>
    Closed = 0,

    /// <summary>One call at a time, to find out whether the agent is well again.</summary>
    HalfOpen = 1,

    /// <summary>None.</summary>
    Open = 2,
}
