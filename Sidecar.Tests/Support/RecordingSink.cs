using System.Collections.Concurrent;
using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Support;

/// <summary>Keeps what agents say by themselves.</summary>
internal sealed class RecordingSink : IConnectionSink, IReportSink
{
    /// <summary>The messages in order of arrival.</summary>
    public ConcurrentQueue<object> Messages { get; } = new();

    public void OnHealth(IAgentConnection connection, HealthStatus health) => Messages.Enqueue(health);

    public void OnFlowControl(IAgentConnection connection, FlowControlSignal signal) => Messages.Enqueue(signal);

    public void OnMetrics(MetricsReport report) => Messages.Enqueue(report);

    public void OnConfigUpdate(IAgentConnection connection, ConfigUpdateRequest request) => Messages.Enqueue(request);
}
