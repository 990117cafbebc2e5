using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>Takes what concerns an agent as a whole and not the choice of a connection: how such news goes up from a pool.</summary>
/// <remarks>
/// Called on read loops and by keepers: must not block. What an agent says before its connection was added is told after <see cref="OnConnected"/> or not at
/// all.
/// </remarks>
internal interface IAgentObserver
{
    /// <summary>A connection can be chosen from now on.</summary>
    void OnConnected(PooledConnection connection);

    /// <summary>One of the connections has been looked after: a moment to see how the agent does.</summary>
    void OnLook();

    /// <summary>The agent asked to be sent nothing, to go on, or to mind a capacity.</summary>
    void OnFlowControl(PooledConnection connection, FlowControlSignal signal);

    /// <summary>The agent reported its metrics.</summary>
    void OnMetrics(PooledConnection connection, MetricsReport report);

    /// <summary>The agent asked for something about its configuration.</summary>
    void OnConfigUpdate(PooledConnection connection, ConfigUpdateRequest request);
}
