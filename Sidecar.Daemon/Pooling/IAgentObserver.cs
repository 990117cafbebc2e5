namespace Sidecar.Daemon.Pooling;

/// <summary>Learns of what happens to the connections of a pool and concerns their agent as a whole.</summary>
/// <remarks>Called by keepers: must not block.</remarks>
internal interface IAgentObserver
{
    /// <summary>A connection can be chosen from now on.</summary>
    void OnConnected(PooledConnection connection);

    /// <summary>One of the connections has been looked after: a moment to see how the agent does.</summary>
    void OnLook();
}
