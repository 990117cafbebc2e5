namespace Sidecar.Daemon.Configuration;

/// <summary>Checks the options as a whole and reports every error at once (rule 7).</summary>
internal static class OptionsValidator
{
    /// <summary>All errors; empty when the options can be used.</summary>
    public static IReadOnlyList<string> Validate(DaemonOptions options, bool isComplete = true)
    {
        var errors = new List<string>();
        if (isComplete && options.Listeners.Count == 0)
        {
            errors.Add("no listener: give at least one --listen, for example --listen http=/run/sidecar/http.sock,proxy=nginx");
        }

        AddDuplicates(errors, "agent", options.Agents.Select(static agent => agent.Id));
        AddDuplicates(errors, "route", options.Routes.Select(static route => route.Id));
        AddDuplicates(errors, "listener name (kind and file name, a label of metrics)", options.Listeners.DistinctBy(static listener => listener.Place).Select(static listener => listener.Name));
        AddDuplicates(errors, "listener path", options.Listeners.Select(static listener => listener.Place));
        var known = options.Agents.Select(static agent => agent.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var agent in options.Agents)
        {
            AddIfBadId(errors, "agent", agent.Id);
            var endpoint = Path.GetFullPath(agent.Endpoint);
            foreach (var listener in options.Listeners.Where(listener => listener.Place == endpoint))
            {
                errors.Add($"agent {agent.Id} is to be reached at {agent.Endpoint}, which is the listener {listener.Name}: the daemon would ask itself");
            }
        }

        foreach (var route in options.Routes)
        {
            AddIfBadId(errors, "route", route.Id);
            foreach (var named in route.Stages.SelectMany(static stage => stage).Where(named => !known.Contains(named.Agent)))
            {
                errors.Add($"route {route.Id} names agent {named.Agent}, which no --agent defines; defined are: {(known.Count == 0 ? "none" : string.Join(", ", known))}");
            }

            AddDuplicates(errors, $"agent on route {route.Id}", route.Stages.SelectMany(static stage => stage).Select(static named => named.Agent));
        }

        if (options.ReconnectMax < options.ReconnectMin)
        {
            errors.Add($"--reconnect-max {Durations.Format(options.ReconnectMax)} is below --reconnect-min {Durations.Format(options.ReconnectMin)}");
        }

        if (!IsMetricName(options.MetricsPrefix))
        {
            errors.Add($"--metrics-prefix '{options.MetricsPrefix}' may have 1 to 64 letters, digits and '_' and does not begin with a digit");
        }

        AddIfOutside(errors, "--connections-per-agent", options.ConnectionsPerAgent, 1, 64);
        AddIfOutside(errors, "--calls-per-connection", options.CallsPerConnection, 1, 65_536);
        AddIfOutside(errors, "--max-exchanges", options.MaxExchanges, 1, 10_000_000);
        return errors;
    }

    private static void AddDuplicates(List<string> errors, string what, IEnumerable<string> names) =>
        errors.AddRange(names.GroupBy(static name => name, StringComparer.Ordinal).Where(static group => group.Count() > 1)
            .Select(group => $"{what} {group.Key} is given {group.Count()} times"));

    private static void AddIfOutside(List<string> errors, string flag, int value, int min, int max)
    {
        if (value < min || value > max)
        {
            errors.Add($"{flag} {value} is outside {min} to {max}");
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
