namespace Sidecar.Daemon.Configuration;

/// <summary>How the connection of a new exchange is chosen.</summary>
internal enum SelectionStrategy
{
    /// <summary>Fills a connection that takes concurrent calls before the next; spreads over those that take one at a time.</summary>
    FillThenSpread,

    /// <summary>Each connection in turn.</summary>
    RoundRobin,

    /// <summary>The one with the fewest calls in flight; ties in turn.</summary>
    LeastConnections,

    /// <summary>The one with the fewest errors and the least latency of late; ties in turn.</summary>
    HealthBased,

    /// <summary>Any, all alike.</summary>
    Random,

    /// <summary>Of any two, the one with fewer calls in flight.</summary>
    PowerOfTwo,
}
