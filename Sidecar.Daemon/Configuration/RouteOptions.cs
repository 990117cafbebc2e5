using Sidecar.Daemon.Configuration.Settings;
using Keys = Sidecar.Daemon.Configuration.Settings.RouteSettings;

namespace Sidecar.Daemon.Configuration;

/// <summary>A route as the operator wrote it.</summary>
internal sealed record RouteOptions : SettingOptions
{
    /// <summary>The word for a route that asks nobody; no agent may have it as its id.</summary>
    public const string NoAgents = "none";

    /// <summary>The id under which requests are counted that no route takes; no route may have it.</summary>
    public const string UnmatchedId = "none";

    public required string Id { get; init; }

    /// <summary>Hosts, each a name or <c>*.example.org</c>, in lower case; empty takes any.</summary>
    public IReadOnlyList<string> Hosts { get => Get(Keys.Hosts)!; init => Values = Values.With(Keys.Hosts, value); }

    /// <summary>Path prefix; null takes any.</summary>
    public string? PathPrefix { get => Get(Keys.Path); init => Values = Values.With(Keys.Path, value); }

    /// <summary>Whether the case of letters in the path makes no difference.</summary>
    public bool IgnoresCase { get => Get(Keys.PathCase); init => Values = Values.With(Keys.PathCase, value); }

    /// <summary>Methods; empty takes any.</summary>
    public IReadOnlyList<string> Methods { get => Get(Keys.Methods)!; init => Values = Values.With(Keys.Methods, value); }

    /// <summary>
    /// Agents: those of one inner list are asked together, one list after the other; empty where the operator said that nobody is asked.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<RouteAgentOptions>> Stages
    {
        get => Get(Keys.Agents);
        init => Values = Values.With(Keys.Agents, value);
    }

    /// <summary>Its part of agents that are busy.</summary>
    public Priority Priority { get => Get(Keys.Priority); init => Values = Values.With(Keys.Priority, value); }

    /// <summary>Whether a request is refused when the proxy cannot carry an operation that matters.</summary>
    public bool RefusesUnapplied { get => Get(Keys.RefusesUnapplied); init => Values = Values.With(Keys.RefusesUnapplied, value); }

    /// <summary>What keeps the exchanges of one client's session on one connection of each agent; null for nothing.</summary>
    public StickyOptions? Sticky { get => Get(Keys.Sticky); init => Values = Values.With(Keys.Sticky, value); }
}

/// <summary>An agent on a route as the operator wrote it.</summary>
/// <param name="Agent">The agent's id.</param>
/// <param name="Mode">How it takes part here; null as the agent says.</param>
internal sealed record RouteAgentOptions(string Agent, AgentMode? Mode);
