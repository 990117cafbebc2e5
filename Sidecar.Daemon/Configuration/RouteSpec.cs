namespace Sidecar.Daemon.Configuration;

/// <summary>Reads <c>--route 'id[,host=…][,path=…][,method=…][,agents=…]'</c>.</summary>
internal static class RouteSpec
{
    private static readonly string[] Keys = ["host", "path", "method", "agents", "unapplied"];

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

        if (spec.Text("path") is { } path && !path.StartsWith('/'))
        {
            spec.Error($"path={path} does not begin with /");
        }

        var options = new RouteOptions
        {
            Id = spec.Head,
            Host = spec.Text("host")?.ToLowerInvariant(),
            PathPrefix = spec.Text("path"),
            Methods = spec.List("method") ?? [],
            Stages = Stages(spec),
            RefusesUnapplied = spec.Word<bool>("unapplied", ("refuse", true), ("ignore", false)) ?? true,
        };
        return errors.Count == before ? options : null;
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
