namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>What is said of one route.</summary>
internal static class RouteSettings
{
    public static readonly SettingList List = new();

    public static readonly Setting<IReadOnlyList<IReadOnlyList<RouteAgentOptions>>> Agents = List.Add(
        SettingGroup.Route, "agents", RouteFormats.Agents, [], "Whom it asks: + together, > one after the other; A:monitor sets a mode",
        "nothing falls open by omission: a route that asks nobody says `none`. Quote `>`, which shells take for a redirection",
        words: "must be said", file: "inspect");

    public static readonly Setting<IReadOnlyList<string>?> Hosts = List.Add(
        SettingGroup.Route, "host", RouteFormats.Hosts, [], "Which hosts it takes", words: "any", file: "match.host");

    public static readonly Setting<string?> Path = List.Add(
        SettingGroup.Route, "path", RouteFormats.Path, null, "Which paths it takes, however they are spelled",
        "see [paths](operations.md#paths)", words: "any", file: "match.path_prefix");

    public static readonly Setting<string?> ExactPath = List.Add(
        SettingGroup.Route, "exact-path", RouteFormats.Path, null, "The one path that it takes, however it is spelled",
        "with or without a slash at its end, not what lies below it; see [paths](operations.md#paths)", words: "any", file: "match.path");

    public static readonly Setting<bool> PathCase = List.Add(
        SettingGroup.Route, "path-case", Formats.Words(("sensitive", false), ("insensitive", true)), false,
        "Whether the case of letters in paths counts", file: "match.path_case");

    public static readonly Setting<IReadOnlyList<string>?> Methods = List.Add(
        SettingGroup.Route, "method", Formats.List("GET+POST"), [], "Which methods it takes", words: "any",
        file: "match.method");

    public static readonly Setting<IReadOnlyList<string>?> Listeners = List.Add(
        SettingGroup.Route, "listener", Formats.List("NAME+NAME"), [], "The listeners whose requests it takes, by name", words: "any",
        file: "match.listener");

    public static readonly Setting<Priority> Priority = List.Add(
        SettingGroup.Route, "priority", Formats.Names<Priority>(), Configuration.Priority.Normal,
        "Its part of an agent that is busy, beside other routes",
        "16, 4 and 1 parts; no route starves another, and in a route no client another");

    public static readonly Setting<bool> RefusesUnapplied = List.Add(
        SettingGroup.Route, "unapplied", Formats.Words(("refuse", true), ("ignore", false)), true,
        "Requests for which the proxy cannot do what an agent said",
        "the removal of a header, or a changed body, that does not happen is not what the agent allowed");

    public static readonly Setting<StickyOptions?> Sticky = List.Add(
        SettingGroup.Route, "sticky", RouteFormats.Sticky, null, "Keeps a client's session on one connection of each agent",
        "for WebSockets, event streams and long polling; see `sidecar sessions`", words: "none");
}

/// <summary>Values that say which requests a route takes, and who is asked about them.</summary>
internal static class RouteFormats
{
    private const string Inspect = "inspect:";

    /// <summary>How an agent takes part on a route.</summary>
    public static ValueFormat<AgentMode> Modes { get; } = Formats.Names<AgentMode>();

    /// <summary>Agents in stages, or none.</summary>
    public static ValueFormat<IReadOnlyList<IReadOnlyList<RouteAgentOptions>>> Agents { get; } = new(
        "A+B>C|none", "", ReadAgents, WriteAgents)
    { Form = new() { Shape = ValueShape.Stages } };

    /// <summary>What takes the requests that no route takes: null refuses them, a route without stages lets them pass.</summary>
    public static ValueFormat<RouteOptions?> Unmatched { get; } = new("WHAT", "", ReadUnmatched, WriteUnmatched)
    {
        Choices = "refuse, pass, inspect:A+B>C",
        Form = new() { Shape = ValueShape.Stages },
    };

    /// <summary>Hosts, each a name or <c>*.example.org</c>, in lower case.</summary>
    public static ValueFormat<IReadOnlyList<string>?> Hosts { get; } =
        Formats.Parted<IReadOnlyList<string>?>("HOST+*.HOST", ReadHosts, static value => value ?? [], new() { Shape = ValueShape.List });

    /// <summary>What keeps a client's exchanges together.</summary>
    public static ValueFormat<StickyOptions?> Sticky { get; } =
        new("WHAT", "", ReadSticky, static value => value?.ToString() ?? "")
        {
            Choices = StickyOptions.Known,
            Form = new() { Shape = ValueShape.Map, Words = ["cookie", "header"] },
        };

    /// <summary>The beginning of a path.</summary>
    public static ValueFormat<string?> Path { get; } = Formats.Text("PREFIX", static path =>
        !path.StartsWith('/') ? "does not begin with /"
        : path.AsSpan().IndexOfAny('?', '#', '*') >= 0
            ? "has a character that no path has or that is no pattern here; write the beginning of the path, without query or '*'"
        : null);

    // '+' joins agents that are asked together, '>' puts one stage after another, ':' gives an agent's mode on this route.
    private static bool ReadAgents(string text, Action<string> error, out IReadOnlyList<IReadOnlyList<RouteAgentOptions>> value)
    {
        var stages = new List<IReadOnlyList<RouteAgentOptions>>();
        value = stages;
        if (text == RouteOptions.NoAgents)
        {
            return true;
        }

        var isFine = true;
        foreach (var stage in text.Split('>', StringSplitOptions.TrimEntries))
        {
            var agents = new List<RouteAgentOptions>();
            foreach (var agent in stage.Split('+', StringSplitOptions.TrimEntries))
            {
                var parts = agent.Split(':', 2);
                var mode = AgentMode.Enforce;
                isFine &= parts.Length == 1 || Modes.TryRead(parts[1], problem => error($"mode {problem}"), out mode);
                agents.Add(new RouteAgentOptions(parts[0], parts.Length == 1 ? null : mode));
            }

            stages.Add(agents);
        }

        // A shell takes '>' for itself where it is not quoted, and what is left may look whole.
        if (stages.Exists(static stage => stage.Any(static agent => agent.Agent.Length == 0)))
        {
            error($"'{text}' names an agent without a name; put '+' or '>' between agents, in quotes, because shells take '>' for a "
                + "redirection");
            return false;
        }

        return isFine;
    }

    private static string WriteAgents(IReadOnlyList<IReadOnlyList<RouteAgentOptions>> value) => value.Count == 0
        ? RouteOptions.NoAgents
        : string.Join('>', value.Select(static stage => string.Join('+', stage.Select(static agent => agent.Mode is { } mode
            ? $"{agent.Agent}:{Modes.Write(mode)}"
            : agent.Agent))));

    private static bool ReadUnmatched(string text, Action<string> error, out RouteOptions? value)
    {
        value = text == "pass" ? new RouteOptions { Id = RouteOptions.UnmatchedId } : null;
        if (text is "pass" or "refuse")
        {
            return true;
        }

        if (!text.StartsWith(Inspect, StringComparison.Ordinal) || text[Inspect.Length..] is RouteOptions.NoAgents)
        {
            error($"{text}: write refuse, pass, or {Inspect}A+B with the agents that requests are shown to which no --route takes");
            return false;
        }

        var isFine = ReadAgents(text[Inspect.Length..], error, out var stages);
        value = new RouteOptions { Id = RouteOptions.UnmatchedId, Stages = stages };
        return isFine;
    }

    private static string WriteUnmatched(RouteOptions? value) =>
        value is null ? "refuse" : value.Stages.Count == 0 ? "pass" : Inspect + WriteAgents(value.Stages);

    private static bool ReadHosts(IReadOnlyList<string> hosts, Action<string> error, out IReadOnlyList<string>? value)
    {
        var isFine = true;
        foreach (var host in hosts)
        {
            var name = host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host;
            if (host.Contains('+', StringComparison.Ordinal))
            {
                error($"{host} is no host; write a list, [{host.Replace("+", ", ", StringComparison.Ordinal)}]");
                isFine = false;
            }
            else if (name.Length == 0 || name.AsSpan().IndexOfAny('*', '/', ' ') >= 0 || name.Count(static letter => letter == ':') == 1)
            {
                error($"{host} is no host; write example.org or *.example.org, without scheme, port or path");
                isFine = false;
            }
        }

        value = [.. hosts.Select(static host => host.ToLowerInvariant())];
        return isFine;
    }

    private static bool ReadSticky(string text, Action<string> error, out StickyOptions? value)
    {
        value = StickyOptions.Parse(text);
        if (value is null)
        {
            error($"{text} is none of {StickyOptions.Known}");
        }

        return value is not null;
    }
}
