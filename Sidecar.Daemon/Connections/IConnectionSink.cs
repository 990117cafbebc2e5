using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections;

/// <summary>
/// Takes what an agent says by itself of a connection. What it says of itself goes to the <see cref="IReportSink"/> of its settings.
/// </summary>
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

/// <summary>For connections of which nobody wants to hear what the agent says by itself.</summary>
internal sealed class NoSink : IConnectionSink
{
    /// <summary>The one there is.</summary>
    public static readonly NoSink Instance = new();

    public void OnHealth(IAgentConnection connection, HealthStatus health)
    {
    }

    public void OnFlowControl(IAgentConnection connection, FlowControlSignal signal)
    {
    }
}

/// <summary>Takes what an agent says of itself as a whole, whichever connection it comes on.</summary>
/// <remarks>Called on read loops: must not block.</remarks>
internal interface IReportSink
{
    /// <summary>The agent reported its metrics.</summary>
    void OnMetrics(MetricsReport report);

    /// <summary>The agent asked for something about its configuration.</summary>
    void OnConfigUpdate(IAgentConnection connection, ConfigUpdateRequest request);
}
