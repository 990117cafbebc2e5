namespace Sidecar.Daemon.Configuration;

/// <summary>Reads <c>--route 'id,agents=…[,host=…][,path=…][,path-case=…][,method=…][,unapplied=…][,sticky=…]'</c> and <c>--unmatched</c>.</summary>
internal static class RouteFlag
{
    /// <summary>The word for a route that asks nobody; no agent may have it as its id.</summary>
    public const string NoAgents = "none";

    /// <summary>The id under which requests are counted that no route takes; no route may have it.</summary>
    public const string UnmatchedId = "none";

    private static readonly string[] Keys = ["host", "path", "path-case", "method", "agents", "unapplied", "sticky"];

    /// <summary>Null, with errors, when it cannot be read.</summary>
    public static RouteOptions? Parse(string text, List<string> errors)
    {
        var before = errors.Count;
        var spec = new FlagText("--route", text, Keys, errors);
        if (spec.Head.Length == 0 || spec.Head.Contains('=', StringComparison.Ordinal))
        {
            spec.Error("write the route's id first, for example api,path=/api,agents=waf");
            return null;
        }

        var hosts = spec.List("host") ?? [];
        CheckMatch(spec, hosts);
        if (!spec.IsWritten("agents"))
        {
            spec.Error($"a route says whom it asks: write agents=A+B, or agents={NoAgents} where its requests are to pass without being shown to anybody");
        }

        var options = new RouteOptions
        {
            Id = spec.Head,
            Hosts = [.. hosts.Select(static host => host.ToLowerInvariant())],
            PathPrefix = spec.Text("path"),
            IgnoresCase = spec.Word<bool>("path-case", ("sensitive", false), ("insensitive", true)) ?? false,
            Methods = spec.List("method") ?? [],
            Stages = spec.Text("agents") is { } agents and not NoAgents ? Stages(agents, spec.Error) : [],
            Sticky = Sticky(spec),
            RefusesUnapplied = spec.Word<bool>("unapplied", ("refuse", true), ("ignore", false)) ?? true,
        };
        return errors.Count == before ? options : null;
    }

    /// <summary>Reads what is to become of requests that no route takes: <c>refuse</c>, <c>pass</c> or <c>inspect:A+B&gt;C</c>.</summary>
    /// <returns>A route whose stages are empty for <c>pass</c>; null for <c>refuse</c>, and, with errors, for what cannot be read.</returns>
    public static RouteOptions? ParseUnmatched(string text, List<string> errors)
    {
        const string inspect = "inspect:";
        if (text is "pass" or "refuse")
        {
            return text is "pass" ? new RouteOptions { Id = UnmatchedId } : null;
        }

        var before = errors.Count;
        void Error(string message) => errors.Add($"--unmatched {text}: {message}");
        if (!text.StartsWith(inspect, StringComparison.Ordinal) || text[inspect.Length..] is NoAgents)
        {
            Error($"write refuse, pass, or {inspect}A+B with the agents that requests are shown to which no --route takes");
            return null;
        }

        var stages = Stages(text[inspect.Length..], Error);
        return errors.Count == before ? new RouteOptions { Id = UnmatchedId, Stages = stages } : null;
    }

    // A condition that no request can meet would leave the requests it was meant for to another route or to none.
    private static void CheckMatch(FlagText spec, IReadOnlyList<string> hosts)
    {
        if (spec.Text("path") is { } path)
        {
            if (!path.StartsWith('/'))
            {
                spec.Error($"path={path} does not begin with /");
            }

            if (path.AsSpan().IndexOfAny('?', '#', '*') >= 0)
            {
                spec.Error($"path={path} has a character that no path has or that is no pattern here; write the beginning of the path, without query or '*'");
            }
        }

        foreach (var host in hosts)
        {
            var name = host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host;
            if (name.Length == 0 || name.AsSpan().IndexOfAny('*', '/', ' ') >= 0 || name.Count(static letter => letter == ':') == 1)
            {
                spec.Error($"host={host} is no host; write example.org or *.example.org, without scheme, port or path");
            }
        }
    }

    private static StickyOptions? Sticky(FlagText spec)
    {
        if (spec.Text("sticky") is not { } text)
        {
            return null;
        }

        var sticky = StickyOptions.Parse(text);
        if (sticky is null)
        {
            spec.Error($"sticky={text} is none of cookie:NAME, header:NAME, client-address, session");
        }

        return sticky;
    }

    // '+' joins agents that are asked together, '>' puts one stage after another, ':' gives an agent's mode on this route.
    private static List<IReadOnlyList<RouteAgentOptions>> Stages(string text, Action<string> error)
    {
        var stages = new List<IReadOnlyList<RouteAgentOptions>>();
        foreach (var stage in text.Split('>', StringSplitOptions.TrimEntries))
        {
            var agents = new List<RouteAgentOptions>();
            foreach (var agent in stage.Split('+', StringSplitOptions.TrimEntries))
            {
                var parts = agent.Split(':', 2);
                agents.Add(new RouteAgentOptions(parts[0], parts.Length == 1 ? null : Mode(parts[1], error)));
            }

            stages.Add(agents);
        }

        // A shell takes '>' for itself where it is not quoted, and what is left may look whole.
        if (stages.Exists(static stage => stage.Any(static agent => agent.Agent.Length == 0)))
        {
            error($"agents={text} names an agent without a name; put '+' or '>' between agents, in quotes, because shells take '>' for a redirection");
        }

        return stages;
    }

    private static AgentMode? Mode(string text, Action<string> error)
    {
        AgentMode? mode = text switch { "enforce" => AgentMode.Enforce, "monitor" => AgentMode.Monitor, "off" => AgentMode.Off, _ => null };
        if (mode is null)
        {
            error($"mode {text} is none of enforce, monitor, off");
        }

        return mode;
    }
}
