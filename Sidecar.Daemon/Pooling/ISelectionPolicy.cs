namespace Sidecar.Daemon.Pooling;

/// <summary>Chooses the connection for a new exchange.</summary>
/// <remarks>On the path of a call: no I/O, no wait, no lock that another thread may hold for long, nothing allocated. Safe from any thread.</remarks>
internal interface ISelectionPolicy
{
    /// <summary>The policy's name in the configuration.</summary>
    string Name { get; }

    /// <summary>One of the candidates that takes new exchanges and has room (<see cref="PooledConnection.CanTake"/>); null when there is none.</summary>
    /// <param name="candidates">All live connections of the agent.</param>
    /// <param name="except">A connection not to choose: the one that just failed. Null for none.</param>
    PooledConnection? Select(ReadOnlySpan<PooledConnection> candidates, PooledConnection? except);
}
