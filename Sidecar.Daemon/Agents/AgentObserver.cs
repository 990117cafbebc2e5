using System.Globalization;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Diagnostics.Reports;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents;

/// <summary>Hands what an agent's pool tells on to those whom it concerns: metrics, configuration, the log.</summary>
internal sealed class AgentObserver(AgentState agent, AgentReports reports, ConfigPusher pusher, ConfigUpdates updates, AgentCautions cautions) : IAgentObserver
{
    public void OnConnected(PooledConnection connection)
    {
        pusher.OnConnected(agent, connection);
        cautions.OnConnected(agent);
    }

    public void OnLook() => cautions.OnLook(agent);

    public void OnFlowControl(PooledConnection connection, FlowControlSignal signal) => agent.Metrics.FlowControl(agent.Id, signal.Action);

    public void OnMetrics(PooledConnection connection, MetricsReport report)
    {
        // Each process counts for itself: under one name their counters would jump between each other's values.
        var isOneOfSeveral = agent.Current.Pool.Endpoints.Count > 1;
        reports.Take(agent.Id, isOneOfSeveral ? connection.Endpoint.ToString(CultureInfo.InvariantCulture) : null, report);
    }

    public void OnConfigUpdate(PooledConnection connection, ConfigUpdateRequest request) => updates.Take(agent, connection, request);
}
