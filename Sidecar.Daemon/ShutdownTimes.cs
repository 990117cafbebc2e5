using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Hosting;

namespace Sidecar.Daemon;

/// <summary>How long each step of the shutdown may take: what the host and the service manager must wait for is computed from the same numbers.</summary>
internal sealed class ShutdownTimes(DaemonOptions options)
{
    /// <summary>
    /// After the doors are shut nothing new reaches the agents, so what is left is the news that exchanges are complete, 5 s; an agent that was
    /// given a drain timeout of its own has that.
    /// </summary>
    public static readonly TimeSpan AfterDoors = TimeSpan.FromSeconds(5);

    // So that an agent whose time is up is closed in order, with its calls cancelled, before the step is cut.
    private static readonly TimeSpan Closing = TimeSpan.FromSeconds(1);

    // For what is outside of the steps.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, TimeSpan> _own = options.Agents.Where(static agent => agent.Pool.DrainTimeout is not null)
        .ToDictionary(static agent => agent.Id, static agent => agent.Pool.DrainTimeout!.Value, StringComparer.Ordinal);

    /// <summary>For requests under way.</summary>
    public TimeSpan Doors => options.DrainTimeout;

    /// <summary>For exchanges that await their response; the rest of <see cref="Doors"/> is for closing in order when that was not enough.</summary>
    public TimeSpan Exchanges => Doors - (Doors > 2 * Closing ? Closing : Doors / 2);

    /// <summary>For the calls of all agents, which drain at the same time.</summary>
    public TimeSpan Agents => options.Agents.Select(agent => DrainOf(agent.Id)).Append(TimeSpan.Zero).Max() + Closing;

    /// <summary>All of it. The unit's TimeoutStopSec fits the defaults; for more the service manager is asked.</summary>
    public TimeSpan Total => Doors + AfterDoors + Agents + (3 * DrainLadder.AbortLimit) + Rest;

    /// <summary>For the calls of one agent.</summary>
    public TimeSpan DrainOf(string agent) => _own.GetValueOrDefault(agent, AfterDoors);
}
