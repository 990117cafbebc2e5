using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Contract;

/// <summary>What goes wrong with an agent.</summary>
internal enum Trouble
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It is not there.</summary>
    Absent,

    /// <summary>Its connection ends under every question.</summary>
    Crash,

    /// <summary>It never answers.</summary>
    Timeout,

    /// <summary>It answers that it cannot decide.</summary>
    Error,
}

/// <summary>One agent of a case; of several that are enforced each answers when those before it have.</summary>
internal sealed record Part
{
    /// <summary>Its answer to request headers.</summary>
    public AgentResponse Says { get; init; } = AgentResponse.Allow;

    /// <summary>What goes wrong with it.</summary>
    public Trouble Trouble { get; init; }

    /// <summary>What happens when it is not heard.</summary>
    public FailureMode FailureMode { get; init; } = FailureMode.Closed;

    /// <summary>Enforced or watching.</summary>
    public AgentMode Mode { get; init; } = AgentMode.Enforce;
}

/// <summary>What a verdict comes to, whichever proxy asked.</summary>
/// <param name="Client">What the client gets: status, headers, and the body of a reply of ours.</param>
/// <param name="Upstream">The header fields that the upstream gets.</param>
/// <param name="Ledger">How the exchange is accounted: state|cause.</param>
/// <param name="Unapplied">What was counted as not carried; empty for nothing.</param>
internal sealed record Effect(string Client, string Upstream, string Ledger, string Unapplied = "")
{
    /// <summary>What the upstream gets of a request that does not go on.</summary>
    public const string Nothing = "nothing";
}

/// <summary>Where front ends cannot give a case the effect that it has behind all others.</summary>
/// <param name="FrontEnds">Which.</param>
/// <param name="Why">What keeps them from it.</param>
/// <param name="Effect">What it has there.</param>
internal sealed record Deviation(string[] FrontEnds, string Why, Effect Effect);

/// <summary>What the agents of a route say or fail to say, and what that comes to.</summary>
internal sealed record ContractCase(string Name, Part[] Agents, Effect Effect)
{
    /// <summary>Whether a route takes the request.</summary>
    public bool IsRouted { get; init; } = true;

    /// <summary>Where it comes to something else.</summary>
    public IReadOnlyList<Deviation> Deviations { get; init; } = [];

    /// <summary>What it comes to behind a front end.</summary>
    public Effect Behind(string frontEnd) => Deviations.SingleOrDefault(one => one.FrontEnds.Contains(frontEnd))?.Effect ?? Effect;

    /// <inheritdoc/>
    public override string ToString() => Name;
}
