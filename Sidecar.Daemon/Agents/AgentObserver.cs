using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Diagnostics.Reports;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents;

/// <summary>Takes what concerns an agent as a whole to those who keep it: metrics, configuration, the log.</summary>
/// <param name="agent">The agent; it is there as soon as a pool of it runs.</param>
/// <param name="version">The name of the version that it hears.</param>
/// <param name="process">
/// Which of the agent's processes it hears, null where there is one. Each counts for itself: under one name their counters would jump
/// between each other's values.
/// </param>
/// <param name="reports">Takes its metrics.</param>
/// <param name="pusher">Gives it its configuration.</param>
/// <param name="updates">Takes what it asks about that.</param>
/// <param name="cautions">Warns of what it states.</param>
internal sealed class AgentObserver(
    Func<AgentState> agent, string version, string? process, AgentReports reports, ConfigPusher pusher, ConfigUpdates updates,
    AgentCautions cautions)
    : IAgentObserver, IReportSink
{
    public void OnConnected(PooledConnection connection)
    {
        pusher.OnConnected(agent(), connection);
        cautions.OnConnected(agent());
    }

    public void OnLook() => cautions.OnLook(agent());

    public void OnMetrics(MetricsReport report) => reports.Take(agent().Id, version, process, report);

    public void OnConfigUpdate(IAgentConnection connection, ConfigUpdateRequest request) => updates.Take(agent(), connection, request);
}
