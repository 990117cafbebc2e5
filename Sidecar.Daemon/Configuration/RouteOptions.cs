namespace Sidecar.Daemon.Configuration;

/// <summary>A route as the operator wrote it.</summary>
internal sealed record RouteOptions
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Hosts, each a name or <c>*.example.org</c>; empty takes any.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Path prefix; null takes any.</summary>
    public string? PathPrefix { get; init; }

    /// <summary>Whether the case of letters in the path makes no difference.</summary>
    public bool IgnoresCase { get; init; }

    /// <summary>Methods; empty takes any.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    /// <summary>Agents: those of one inner list are asked together, one list after the other; empty where the operator said that nobody is asked.</summary>
    public IReadOnlyList<IReadOnlyList<RouteAgentOptions>> Stages { get; init; } = [];

    /// <summary>Whether a request is refused when the proxy cannot carry an operation that matters.</summary>
    public bool RefusesUnapplied { get; init; } = true;

    /// <summary>What keeps the exchanges of one client's session on one connection of each agent; null for nothing.</summary>
    public StickyOptions? Sticky { get; init; }
}

/// <summary>An agent on a route as the operator wrote it.</summary>
/// <param name="Agent">The agent's id.</param>
/// <param name="Mode">How it takes part here; null as the agent says.</param>
internal sealed record RouteAgentOptions(string Agent, AgentMode? Mode);
