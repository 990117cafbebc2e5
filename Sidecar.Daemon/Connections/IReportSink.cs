using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections;

/// <summary>Takes what an agent says of itself as a whole, whichever connection it comes on.</summary>
/// <remarks>Called on read loops: must not block.</remarks>
internal interface IReportSink
{
    /// <summary>The agent reported its metrics.</summary>
    void OnMetrics(MetricsReport report);

    /// <summary>The agent asked for something about its configuration.</summary>
    void OnConfigUpdate(IAgentConnection connection, ConfigUpdateRequest request);
}
