using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;

namespace Sidecar.Daemon.Control;

/// <summary>What of the daemon can be shown to operators.</summary>
internal sealed record DaemonView
{
    public required string Version { get; init; }

    /// <summary>When it was started.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The newest model.</summary>
    public required Func<RuntimeModel> Model { get; init; }

    /// <summary>The agents as they are now.</summary>
    public required Func<IReadOnlyList<AgentState>> Agents { get; init; }

    /// <summary>The agent of an id as it is now; null when there is none.</summary>
    public AgentState? Find(string id) => Agents().FirstOrDefault(agent => agent.Id == id);

    public required ExchangeCounts Exchanges { get; init; }

    /// <summary>What listeners found wrong with the configuration of their proxies.</summary>
    public required ListenerWarnings ListenerWarnings { get; init; }

    /// <summary>The body bytes that may be held for all agents.</summary>
    public required ByteBudget BodyMemory { get; init; }

    public required ConfigPusher Pusher { get; init; }

    /// <summary>What agents asked about their configurations.</summary>
    public required ConfigUpdates Updates { get; init; }

    /// <summary>Takes agents out of service.</summary>
    public required AgentRemovals Removals { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Time { get; init; }
}
