using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;

namespace Sidecar.Daemon.Control;

/// <summary>What of the daemon can be shown to operators.</summary>
/// <param name="Version">Its version.</param>
/// <param name="StartedAt">When it was started.</param>
/// <param name="Model">The newest model.</param>
/// <param name="Agents">The agents as they are now.</param>
/// <param name="Exchanges">The exchanges that came, and how they ended.</param>
/// <param name="ListenerWarnings">What listeners found wrong with the configuration of their proxies.</param>
/// <param name="BodyMemory">The body bytes that may be held for all agents.</param>
/// <param name="Pusher">Pushes configurations to agents.</param>
/// <param name="Updates">What agents asked about their configurations.</param>
/// <param name="Removals">Takes agents out of service.</param>
/// <param name="Reloads">Reads the configuration again.</param>
/// <param name="IsDraining">Whether something that a change has made superfluous has not ended.</param>
/// <param name="Time">The clock.</param>
internal sealed record DaemonView(
    string Version, DateTimeOffset StartedAt, Func<RuntimeModel> Model, Func<IReadOnlyList<AgentState>> Agents, ExchangeCounts Exchanges,
    ListenerWarnings ListenerWarnings, ByteBudget BodyMemory, ConfigPusher Pusher, ConfigUpdates Updates, AgentRemovals Removals,
    IReloads Reloads, Func<bool> IsDraining, TimeProvider Time)
{
    /// <summary>The agent of an id as it is now; null when there is none.</summary>
    public AgentState? Find(string id) => Agents().FirstOrDefault(agent => agent.Id == id);
}
