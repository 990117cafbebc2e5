using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Pooling;

namespace Sidecar.Daemon.Composition;

/// <summary>What a version's connections are made of: where nothing of it changes, its connections stay.</summary>
internal sealed record VersionKey(string Name, string Endpoints, string? Encoding, TlsOptions? Tls);

/// <summary>A version of a change.</summary>
/// <param name="Key">What it is known by.</param>
/// <param name="Version">The version.</param>
/// <param name="Weight">Its share of the exchanges.</param>
/// <param name="Settings">What its pool is to follow.</param>
/// <param name="Connections">What its dialers were told.</param>
internal sealed record PlannedVersion(
    VersionKey Key, AgentVersion Version, int Weight, PoolSettings Settings, List<ConnectionSettings> Connections)
{
    /// <summary>Connect and handshake together.</summary>
    public TimeSpan ConnectTimeout { get; init; }

    /// <summary>Whether its pool has not been started.</summary>
    public bool IsNew { get; init; }

    /// <summary>Where its connections are handed over, if it dials in.</summary>
    public RegisteredConnections? Registered { get; init; }
}

/// <summary>What an agent becomes by a change.</summary>
/// <param name="Options">What the operator wrote of it.</param>
/// <param name="State">The agent; one that is there is the same before and after.</param>
/// <param name="Policy">How it takes part.</param>
/// <param name="Plan">Which version an exchange gets.</param>
/// <param name="Versions">Its versions.</param>
/// <param name="Strategy">How connections are chosen.</param>
/// <param name="LastVersion">The greatest number that a version of it has had.</param>
internal sealed record AgentChange(
    AgentOptions Options, AgentState State, AgentPolicy Policy, VersionPlan Plan, IReadOnlyList<PlannedVersion> Versions,
    SelectionStrategy Strategy, int LastVersion)
{
    /// <summary>Whether there was no such agent.</summary>
    public bool IsNew { get; init; }

    /// <summary>What the operator wrote of it before; null for a new one.</summary>
    public AgentOptions? Before { get; init; }

    /// <summary>The versions that have not been started.</summary>
    public IEnumerable<AgentVersion> Added => Versions.Where(static version => version.IsNew).Select(static version => version.Version);
}
