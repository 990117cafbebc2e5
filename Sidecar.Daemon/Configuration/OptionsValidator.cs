namespace Sidecar.Daemon.Configuration;

/// <summary>Checks the options as a whole and reports every error at once (rule 7).</summary>
internal static class OptionsValidator
{
    /// <summary>All errors; empty when the options can be used.</summary>
    public static IReadOnlyList<string> Validate(ConfigurationSnapshot options, bool isComplete = true)
    {
        var errors = new List<string>();
        if (isComplete && options.Listeners.Count == 0)
        {
            errors.Add("no listener: give at least one --listen, for example --listen http=/run/sidecar/http.sock,proxy=nginx");
        }

        // With a listener that brings requests: without agents and routes they would all pass.
        if (isComplete && options.Agents.Count == 0 && options.Routes.Count == 0
            && options.Listeners.Any(static listener => listener.Kind is not (ListenerKind.Admin or ListenerKind.Reverse)))
        {
            errors.Add($"no agent: give at least one --agent, or say --route all,agents={RouteFlag.NoAgents} if every request is to pass uninspected");
        }

        AddDuplicates(errors, "agent", options.Agents.Select(static agent => agent.Id));
        AddDuplicates(errors, "route", options.Routes.Select(static route => route.Id));
        AddDuplicates(errors, "listener name (kind and file name, a label of metrics)", options.Listeners.DistinctBy(static listener => listener.Place).Select(static listener => listener.Name));
        AddDuplicates(errors, "listener path", options.Listeners.Select(static listener => listener.Place));
        var known = options.Agents.Select(static agent => agent.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var agent in options.Agents)
        {
            AddIfBadId(errors, "agent", agent.Id);
            AddIfReserved(errors, "agent", agent.Id, RouteFlag.NoAgents, "a route that asks nobody");
            foreach (var endpoint in agent.Endpoints.Select(static endpoint => endpoint.SocketPath).OfType<string>())
            {
                foreach (var listener in options.Listeners.Where(listener => listener.Place == Path.GetFullPath(endpoint)))
                {
                    errors.Add($"agent {agent.Id} is to be reached at {endpoint}, which is the listener {listener.Name}: the daemon would ask itself");
                }
            }

            AddIfBackoffReversed(errors, agent.Pool.Over(options.Pool), agent.DefaultReconnectMin, agent.DefaultReconnectMax, $"agent {agent.Id}: ");
        }

        ReverseValidator.Validate(options, errors);
        foreach (var route in options.Routes)
        {
            AddIfBadId(errors, "route", route.Id);
            AddIfReserved(errors, "route", route.Id, RouteFlag.UnmatchedId, "the requests that no route takes");
            CheckAgents(errors, $"route {route.Id}", route, known);
        }

        if (options.Unmatched is { } unmatched)
        {
            CheckAgents(errors, "--unmatched", unmatched, known);
        }

        errors.AddRange(BodyNeeds.Errors(options));
        if (options.Agents.Count == 0)
        {
            AddIfBackoffReversed(errors, options.Pool, Defaults.ReconnectMin, Defaults.ReconnectMax, "");
        }

        if (!IsMetricName(options.MetricsPrefix))
        {
            errors.Add($"--metrics-prefix '{options.MetricsPrefix}' may have 1 to 64 letters, digits and '_' and does not begin with a digit");
        }

        AddIfOutside(errors, "--connections-per-agent", options.Pool.Connections, PoolLimits.Connections);
        AddIfOutside(errors, "--calls-per-connection", options.Pool.CallsPerConnection, PoolLimits.CallsPerConnection);
        AddIfOutside(errors, "--calls-per-agent", options.Pool.CallsPerAgent, PoolLimits.CallsPerAgent);
        AddIfOutside(errors, "--unhealthy-after", options.Pool.UnhealthyAfter, PoolLimits.UnhealthyAfter);
        AddIfOutside(errors, "--queue", options.Pool.Queue, PoolLimits.Queue);
        AddIfOutside(errors, "--sticky-sessions", options.Pool.StickySessions, PoolLimits.StickySessions);
        AddIfOutside(errors, "--breaker-rate", options.Pool.BreakerRate, PoolLimits.BreakerRate);
        AddIfOutside(errors, "--breaker-calls", options.Pool.BreakerCalls, PoolLimits.BreakerCalls);
        AddIfOutside(errors, "--breaker-failures", options.Pool.BreakerFailures, PoolLimits.BreakerFailures);
        AddIfOutside(errors, "--max-exchanges", options.MaxExchanges, (1, 10_000_000));
        return errors;
    }

    private static void CheckAgents(List<string> errors, string who, RouteOptions route, HashSet<string> known)
    {
        foreach (var named in route.Stages.SelectMany(static stage => stage).Where(named => !known.Contains(named.Agent)))
        {
            errors.Add($"{who} names agent {named.Agent}, which no --agent defines; defined are: {(known.Count == 0 ? "none" : string.Join(", ", known))}");
        }

        AddDuplicates(errors, $"agent on {who}", route.Stages.SelectMany(static stage => stage).Select(static named => named.Agent));
    }

    private static void AddIfReserved(List<string> errors, string what, string id, string word, string meaning)
    {
        if (id == word)
        {
            errors.Add($"{what} id '{id}' is the word for {meaning}; choose another");
        }
    }

    private static void AddDuplicates(List<string> errors, string what, IEnumerable<string> names) =>
        errors.AddRange(names.GroupBy(static name => name, StringComparer.Ordinal).Where(static group => group.Count() > 1)
            .Select(group => $"{what} {group.Key} is given {group.Count()} times"));

    // An agent's own bound may be the wrong way round with one of the daemon's.
    private static void AddIfBackoffReversed(List<string> errors, PoolOptions pool, TimeSpan defaultMin, TimeSpan defaultMax, string whose)
    {
        var (min, max) = (pool.ReconnectMin ?? defaultMin, pool.ReconnectMax ?? defaultMax);
        if (max < min)
        {
            errors.Add($"{whose}--reconnect-max {Durations.Format(max)} is below --reconnect-min {Durations.Format(min)}");
        }
    }

    private static void AddIfOutside(List<string> errors, string flag, int? value, (int Min, int Max) range)
    {
        if (value < range.Min || value > range.Max)
        {
            errors.Add($"{flag} {value} is outside {range.Min} to {range.Max}");
        }
    }

    private static bool IsMetricName(string text) =>
        text.Length is > 0 and <= 64 && !char.IsAsciiDigit(text[0]) && text.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter == '_');

    // Ids become label values and parts of log lines.
    private static void AddIfBadId(List<string> errors, string what, string id)
    {
        if (id.Length is 0 or > 64 || !id.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.'))
        {
            errors.Add($"{what} id '{id}' may have 1 to 64 letters, digits, '-', '_' and '.'");
        }
    }
}
