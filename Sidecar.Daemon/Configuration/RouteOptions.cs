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

    /// <summary>The one path; null takes any.</summary>
    public string? ExactPath { get => Get(Keys.ExactPath); init => Values = Values.With(Keys.ExactPath, value); }

    /// <summary>Whether the case of letters in the path makes no difference.</summary>
    public bool IgnoresCase { get => Get(Keys.PathCase); init => Values = Values.With(Keys.PathCase, value); }

    /// <summary>Methods; empty takes any.</summary>
    public IReadOnlyList<string> Methods { get => Get(Keys.Methods)!; init => Values = Values.With(Keys.Methods, value); }

    /// <summary>Names of listeners; empty takes the requests of any.</summary>
    public IReadOnlyList<string> Listeners { get => Get(Keys.Listeners)!; init => Values = Values.With(Keys.Listeners, value); }

    /// <summary>
    /// Agents: those of one inner list are asked together, one list after the other; empty where the operator said that nobody is asked.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<RouteAgentOptions>> Stages
    {
        get => Get(Keys.Agents);
        init => Values = Values.With(Keys.Agents, value);
    }

    /// <summary>Whether it may take requests of a listener.</summary>
    public bool TakesFrom(ListenerOptions listener) => Listeners.Count == 0 || Listeners.Contains(listener.Name, StringComparer.Ordinal);

    /// <summary>Its part of agents that are busy.</summary>
    public Priority Priority { get => Get(Keys.Priority); init => Values = Values.With(Keys.Priority, value); }

    /// <summary>What happens on it when its agents cannot inspect, over what they say; null as they say.</summary>
    public FailureOptions? OnFailure
    {
        get => Values.Has(DaemonSettings.OnFailure) ? Get(DaemonSettings.OnFailure) : null;
        init => Values = value is null ? Values : Values.With(DaemonSettings.OnFailure, value);
    }

    /// <summary>Whether a request is refused when the proxy cannot carry an operation that matters.</summary>
    public bool RefusesUnapplied { get => Get(Keys.RefusesUnapplied); init => Values = Values.With(Keys.RefusesUnapplied, value); }

    /// <summary>What keeps the exchanges of one client's session on one connection of each agent; null for nothing.</summary>
    public StickyOptions? Sticky { get => Get(Keys.Sticky); init => Values = Values.With(Keys.Sticky, value); }
}

/// <summary>An agent on a route as the operator wrote it.</summary>
/// <param name="Agent">The agent's id.</param>
/// <param name="Mode">How it takes part here; null as the agent says.</param>
internal sealed record RouteAgentOptions(string Agent, AgentMode? Mode);

/// <summary>What names a client's session.</summary>
internal enum StickySource
{
    Cookie,

    /// <summary>A header of the request.</summary>
    Header,

    /// <summary>The client's address.</summary>
    ClientAddress,

    /// <summary>What the front end passes as the session's id.</summary>
    Session,
}

/// <summary>By what the exchanges of a route that belong together are known, so that they reach each agent on one connection.</summary>
/// <param name="Source">What names the session.</param>
/// <param name="Name">The cookie's or the header's name, the latter in lower case; empty for other sources.</param>
internal sealed record StickyOptions(StickySource Source, string Name = "")
{
    /// <summary>What may be written, for help and messages.</summary>
    public const string Known = "cookie:NAME, header:NAME, client-address, session";

    /// <summary>The option in the words in which it is written.</summary>
    public override string ToString() => Source switch
    {
        StickySource.Cookie => $"cookie:{Name}",
        StickySource.Header => $"header:{Name}",
        StickySource.ClientAddress => "client-address",
        _ => "session",
    };

    /// <summary>Reads <c>cookie:NAME</c>, <c>header:NAME</c>, <c>client-address</c> or <c>session</c>; null for anything else.</summary>
    public static StickyOptions? Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var (word, name) = colon < 0 ? (text, "") : (text[..colon], text[(colon + 1)..]);
        return word switch
        {
            "cookie" when IsToken(name) => new(StickySource.Cookie, name),
            "header" when IsToken(name) => new(StickySource.Header, name.ToLowerInvariant()),
            "client-address" when colon < 0 => new(StickySource.ClientAddress),
            "session" when colon < 0 => new(StickySource.Session),
            _ => null,
        };
    }

    // A name of another form would never be found, and no session would stick (RFC 9110 §5.6.2).
    private static bool IsToken(string name) =>
        name.Length > 0
            && name.All(static letter => char.IsAsciiLetterOrDigit(letter) || "!#$%&'*+-.^_`|~".Contains(letter, StringComparison.Ordinal));
}
