using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections;

/// <summary>Takes what an agent says by itself of a connection. What it says of itself goes to the <see cref="IReportSink"/> of its settings.</summary>
/// <remarks>Called on the read loop: must not block.</remarks>
internal interface IConnectionSink
{
    /// <summary>The agent reported its health.</summary>
    void OnHealth(IAgentConnection connection, HealthStatus health);

    /// <summary>The agent asked to pause, resume or mind a capacity.</summary>
    void OnFlowControl(IAgentConnection connection, FlowControlSignal signal);

    /// <summary>An answer that was owed has come: a slot of the connection is free, though no call has ended.</summary>
    void OnSlotFreed(IAgentConnection connection)
    {
    }
}
