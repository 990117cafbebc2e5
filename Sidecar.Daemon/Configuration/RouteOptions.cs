using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>A route as the operator wrote it.</summary>
internal sealed record RouteOptions : SettingOptions
{
    /// <summary>The word for a route that asks nobody; no agent may have it as its id.</summary>
    public const string NoAgents = "none";

    /// <summary>The id under which requests are counted that no route takes; no route may have it.</summary>
    public const string UnmatchedId = "none";

    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Hosts, each a name or <c>*.example.org</c>, in lower case; empty takes any.</summary>
    public IReadOnlyList<string> Hosts { get => Get(RouteSettings.Hosts)!; init => Values = Values.With(RouteSettings.Hosts, value); }

    /// <summary>Path prefix; null takes any.</summary>
    public string? PathPrefix { get => Get(RouteSettings.Path); init => Values = Values.With(RouteSettings.Path, value); }

    /// <summary>Whether the case of letters in the path makes no difference.</summary>
    public bool IgnoresCase { get => Get(RouteSettings.PathCase); init => Values = Values.With(RouteSettings.PathCase, value); }

    /// <summary>Methods; empty takes any.</summary>
    public IReadOnlyList<string> Methods { get => Get(RouteSettings.Methods)!; init => Values = Values.With(RouteSettings.Methods, value); }

    /// <summary>Agents: those of one inner list are asked together, one list after the other; empty where the operator said that nobody is asked.</summary>
    public IReadOnlyList<IReadOnlyList<RouteAgentOptions>> Stages
    {
        get => Get(RouteSettings.Agents);
        init => Values = Values.With(RouteSettings.Agents, value);
    }

    /// <summary>Whether a request is refused when the proxy cannot carry an operation that matters.</summary>
    public bool RefusesUnapplied { get => Get(RouteSettings.RefusesUnapplied); init => Values = Values.With(RouteSettings.RefusesUnapplied, value); }

    /// <summary>What keeps the exchanges of one client's session on one connection of each agent; null for nothing.</summary>
    public StickyOptions? Sticky { get => Get(RouteSettings.Sticky); init => Values = Values.With(RouteSettings.Sticky, value); }
}

/// <summary>An agent on a route as the operator wrote it.</summary>
/// <param name="Agent">The agent's id.</param>
/// <param name="Mode">How it takes part here; null as the agent says.</param>
internal sealed record RouteAgentOptions(string Agent, AgentMode? Mode);
