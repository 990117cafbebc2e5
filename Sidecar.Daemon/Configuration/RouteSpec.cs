namespace Sidecar.Daemon.Configuration;

/// <summary>Reads <c>--route 'id[,host=…][,path=…][,method=…][,agents=…][,unapplied=…][,sticky=…]'</c>.</summary>
internal static class RouteSpec
{
    private static readonly string[] Keys = ["host", "path", "method", "agents", "unapplied", "sticky"];

    /// <summary>Null, with errors, when it cannot be read.</summary>
    public static RouteOptions? Parse(string text, List<string> errors)
    {
        var before = errors.Count;
        var spec = new SpecText("--route", text, Keys, errors);
        if (spec.Head.Length == 0 || spec.Head.Contains('=', StringComparison.Ordinal))
        {
            spec.Error("write the route's id first, for example api,path=/api,agents=waf");
            return null;
        }

        CheckMatch(spec);
        var options = new RouteOptions
        {
            Id = spec.Head,
            Host = spec.Text("host")?.ToLowerInvariant(),
            PathPrefix = spec.Text("path"),
            Methods = spec.List("method") ?? [],
            Stages = Stages(spec),
            Sticky = Sticky(spec),
            RefusesUnapplied = spec.Word<bool>("unapplied", ("refuse", true), ("ignore", false)) ?? true,
        };
        return errors.Count == before ? options : null;
    }

    // A condition that no request can meet would leave the requests it was meant for to another route or to none.
    private static void CheckMatch(SpecText spec)
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

        if (spec.Text("host") is { } host)
        {
            var name = host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host;
            if (name.Length == 0 || name.AsSpan().IndexOfAny('*', '/', ' ') >= 0 || name.Count(static letter => letter == ':') == 1)
            {
                spec.Error($"host={host} is no host; write example.org or *.example.org, without scheme, port or path");
            }
        }
    }

    private static StickyOptions? Sticky(SpecText spec)
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
    private static List<IReadOnlyList<RouteAgentOptions>> Stages(SpecText spec)
    {
        var stages = new List<IReadOnlyList<RouteAgentOptions>>();
        foreach (var stage in (spec.Text("agents") ?? "").Split('>', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var agents = new List<RouteAgentOptions>();
            foreach (var agent in stage.Split('+', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                var parts = agent.Split(':', 2);
                agents.Add(new RouteAgentOptions(parts[0], parts.Length == 1 ? null : Mode(spec, parts[1])));
            }

            stages.Add(agents);
        }

        return stages;
    }

    private static AgentMode? Mode(SpecText spec, string text)
    {
        AgentMode? mode = text switch { "enforce" => AgentMode.Enforce, "monitor" => AgentMode.Monitor, "off" => AgentMode.Off, _ => null };
        if (mode is null)
        {
            spec.Error($"mode {text} is none of enforce, monitor, off");
        }

        return mode;
    }
}
