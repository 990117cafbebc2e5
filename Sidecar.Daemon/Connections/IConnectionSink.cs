using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections;

/// <summary>Takes what an agent says by itself: the one way in which data flows up without being asked for.</summary>
/// <remarks>Called on the read loop: must not block.</remarks>
internal interface IConnectionSink
{
    /// <summary>The agent reported its health.</summary>
    void OnHealth(IAgentConnection connection, HealthStatus health);

    /// <summary>The agent asked to pause, resume or mind a capacity.</summary>
    void OnFlowControl(IAgentConnection connection, FlowControlSignal signal);

    /// <summary>The agent reported its metrics.</summary>
    void OnMetrics(IAgentConnection connection, MetricsReport report);

    /// <summary>The agent asked for something about its configuration.</summary>
    void OnConfigUpdate(IAgentConnection connection, ConfigUpdateRequest request);

    /// <summary>An answer that was owed has come: a slot of the connection is free, though no call has ended.</summary>
    void OnSlotFreed(IAgentConnection connection)
    {
    }
}
