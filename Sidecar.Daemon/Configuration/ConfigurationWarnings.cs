using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration;

/// <summary>Finds what a valid configuration says and its writer probably did not mean.</summary>
internal static class ConfigurationWarnings
{
    /// <summary>All of them, each with what it is about.</summary>
    /// <param name="options">A configuration without errors.</param>
    /// <param name="machine">The machine that it is for.</param>
    public static IEnumerable<ConfigurationIssue> Of(ConfigurationSnapshot options, Surroundings machine) =>
        [.. Shadowed(options.Routes), .. Unused(options), .. Unserved(options), .. Late(options), .. Unreachable(options, machine)];

    private static IEnumerable<ConfigurationIssue> Shadowed(IReadOnlyList<RouteOptions> routes)
    {
        // Bounded: each is compared with those before it, and a file can have thousands.
        for (var i = 1; i < routes.Count; i++)
        {
            if (routes.Take(i).FirstOrDefault(earlier => RouteCover.Covers(earlier, routes[i])) is { } earlier)
            {
                yield return new(
                    Subject.Route(routes[i].Id),
                    $"route {routes[i].Id} is never reached: route {earlier.Id} stands before it and takes all that it takes; change their "
                    + "order, or leave one out");
            }
        }
    }

    private static IEnumerable<ConfigurationIssue> Unused(ConfigurationSnapshot options)
    {
        if (options.Routes.Count == 0)
        {
            return [];
        }

        var named = Asked(options).Select(static one => one.Agent).ToHashSet(StringComparer.Ordinal);
        return options.Agents.Where(agent => !named.Contains(agent.Id)).Select(static agent => new ConfigurationIssue(
            Subject.Agent(agent.Id), $"agent {agent.Id} is asked by no route; name it in the inspect of one, or leave it out"));
    }

    // Body events without which an agent cannot do are an error already.
    private static IEnumerable<ConfigurationIssue> Unserved(ConfigurationSnapshot options)
    {
        var served = options.Listeners.Aggregate(EventSet.None, static (all, listener) => all | ServedBy(listener));
        foreach (var agent in options.Agents)
        {
            if (agent.Events is { } wanted && (wanted & ~served) is var missing and not EventSet.None && wanted != EventSet.All)
            {
                var names = string.Join(", ", EventNames.All.Where(name => missing.Has(EventNames.KindOf(name))));
                yield return new(
                    Subject.Agent(agent.Id),
                    $"agent {agent.Id} wants events that no listener has: {names}; leave them out of events, or let the proxy ask a listener "
                    + "that has them");
            }
        }
    }

    private static EventSet ServedBy(ListenerOptions listener)
    {
        const EventSet Request = EventSet.RequestHeaders | EventSet.RequestComplete;
        const EventSet Response = EventSet.ResponseHeaders | EventSet.ResponseBodyChunk;
        return listener.Kind switch
        {
            ListenerKind.Admin or ListenerKind.Reverse => EventSet.None,
            ListenerKind.Http when listener.Proxy != ProxyKind.Json => Request | (listener.HasBodies ? EventSet.RequestBodyChunk : 0),
            ListenerKind.Spop => Request | EventSet.RequestBodyChunk | (listener.Spop.HasResponsePhase ? Response : 0),
            ListenerKind.Envoy => Request | Response | EventSet.RequestBodyChunk,
            _ => EventSet.All,
        };
    }

    // Defaults are ceilings that fit any phase; what somebody wrote was meant to be used.
    private static IEnumerable<ConfigurationIssue> Late(ConfigurationSnapshot options)
    {
        var asking = options.Listeners.Where(static listener => listener.Kind is not (ListenerKind.Admin or ListenerKind.Reverse)).ToList();
        var agents = options.Agents.DistinctBy(static agent => agent.Id).ToDictionary(static agent => agent.Id, StringComparer.Ordinal);
        TimeSpan WrittenFor(RouteAgentOptions one) =>
            (one.Mode ?? agents[one.Agent].Mode) == AgentMode.Enforce
                ? agents[one.Agent].Pool.Over(options.Pool).Values.Find(CallSettings.HeaderTimeout) ?? TimeSpan.Zero
                : TimeSpan.Zero;
        foreach (var route in options.Routes)
        {
            var total = route.Stages.Aggregate(TimeSpan.Zero, (sum, stage) => sum + stage.Max(WrittenFor));
            if (asking.Where(route.TakesFrom).MinBy(static listener => listener.Budget) is { } shortest && total > shortest.Budget)
            {
                yield return new(
                    Subject.Route(route.Id),
                    $"route {route.Id} may take {Durations.Format(total)} by the timeouts of its agents, and listener {shortest.Name} has "
                    + $"{Durations.Format(shortest.Budget)} for a phase: the last agents will have less than their timeout; lower timeout, or "
                    + "give the proxy more time and raise budget");
            }
        }
    }

    // That a listener has no directory is an error of its own, told by whoever makes listeners.
    private static IEnumerable<ConfigurationIssue> Unreachable(ConfigurationSnapshot options, Surroundings machine)
    {
        foreach (var listener in options.Listeners)
        {
            if (listener.Group is { } group && !machine.GroupExists(group))
            {
                yield return new(
                    Subject.Listener(listener.Name),
                    $"listener {listener.Name}: there is no group {group} on this machine; the start will fail: create it, or name another");
            }
        }

        foreach (var agent in options.Agents)
        {
            foreach (var path in agent.Endpoints.Select(static endpoint => endpoint.SocketPath).OfType<string>())
            {
                if (!machine.DirectoryExists(Path.GetDirectoryName(path) ?? "/"))
                {
                    yield return new(
                        Subject.Agent(agent.Id), $"agent {agent.Id}: there is no directory {Path.GetDirectoryName(path)} for its socket yet");
                }
            }
        }
    }

    private static IEnumerable<RouteAgentOptions> Asked(ConfigurationSnapshot options) =>
        options.Routes.Append(options.Unmatched).OfType<RouteOptions>()
            .SelectMany(static route => route.Stages).SelectMany(static stage => stage);
}

/// <summary>Whether one route takes all that another takes. In doubt it does not: a warning must be right.</summary>
internal static class RouteCover
{
    /// <summary>Whether nothing is left for the later route.</summary>
    public static bool Covers(RouteOptions earlier, RouteOptions later) =>
        CoversPath(earlier, later)
        && (earlier.Methods.Count == 0 || (later.Methods.Count > 0 && later.Methods.All(earlier.Methods.Contains)))
        && (earlier.Listeners.Count == 0 || (later.Listeners.Count > 0 && later.Listeners.All(earlier.Listeners.Contains)))
        && (earlier.Hosts.Count == 0 || (later.Hosts.Count > 0 && later.Hosts.All(host => earlier.Hosts.Any(other => Covers(other, host)))));

    private static bool CoversPath(RouteOptions earlier, RouteOptions later)
    {
        var prefix = earlier.PathPrefix?.TrimEnd('/') ?? "";
        if (earlier.ExactPath is not null)
        {
            return earlier.PathPrefix is null && later.ExactPath == earlier.ExactPath && later.IgnoresCase == earlier.IgnoresCase;
        }

        if (prefix.Length == 0)
        {
            return true;
        }

        // Written with escapes or dots they may be other paths than they look.
        if ((later.ExactPath ?? later.PathPrefix) is not { } path || (later.IgnoresCase && !earlier.IgnoresCase) || !IsPlain(prefix) || !IsPlain(path))
        {
            return false;
        }

        var comparison = earlier.IgnoresCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        return path.StartsWith(prefix, comparison) && (path.Length == prefix.Length || path[prefix.Length] == '/');
    }

    private static bool IsPlain(string path) =>
        path.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '/' or '-' or '_' or '.')
        && !path.Contains("//", StringComparison.Ordinal) && !path.Contains("/.", StringComparison.Ordinal);

    private static bool Covers(string earlier, string later) => string.Equals(earlier, later, StringComparison.OrdinalIgnoreCase)
        || (earlier.StartsWith("*.", StringComparison.Ordinal) && later.EndsWith(earlier[1..], StringComparison.OrdinalIgnoreCase)
            && later.Length > earlier.Length - 1);
}
