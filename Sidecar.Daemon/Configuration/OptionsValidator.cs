using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>Checks the options as a whole and reports every error at once (rule 7).</summary>
internal static class OptionsValidator
{
    // Agents that a message names; more are no help in one line.
    private const int MostListed = 15;

    /// <summary>All errors; empty when the options can be used.</summary>
    public static IReadOnlyList<string> Validate(ConfigurationSnapshot options, bool isComplete = true) =>
        [.. Issues(options, isComplete).Select(static issue => issue.Message)];

    /// <summary>All errors, each with what it is about.</summary>
    /// <param name="options">The options.</param>
    /// <param name="isComplete">Whether they are all; else some could not be read, and what is missing is no error.</param>
    public static IReadOnlyList<ConfigurationIssue> Issues(ConfigurationSnapshot options, bool isComplete = true)
    {
        var errors = new IssueList();
        if (isComplete && options.Listeners.Count == 0)
        {
            errors.Add(
                Subject.Daemon,
                "no listener: give at least one (--listen http=/run/sidecar/http.sock,proxy=nginx, or below listeners in the file)");
        }

        // With a listener that brings requests: without agents and routes they would all pass.
        if (isComplete && options.Agents.Count == 0 && options.Routes.Count == 0
            && options.Listeners.Any(static listener => listener.Kind is not (ListenerKind.Admin or ListenerKind.Reverse)))
        {
            errors.Add(
                Subject.Daemon,
                $"no agent: give at least one (--agent, or below agents in the file), or a route that asks {RouteOptions.NoAgents} if every "
                + "request is to pass uninspected");
        }

        AddDuplicates(errors, "agent", options.Agents, static agent => agent.Id, static agent => Subject.Agent(agent.Id));
        AddDuplicates(errors, "route", options.Routes, static route => route.Id, static route => Subject.Route(route.Id));
        AddDuplicates(
            errors, "listener name (kind and file name, a label of metrics)",
            options.Listeners.DistinctBy(static listener => listener.Place), static listener => listener.Name,
            static listener => Subject.Listener(listener.Name));
        AddDuplicates(
            errors, "listener path", options.Listeners, static listener => listener.Place,
            static listener => Subject.Listener(listener.Name));
        var known = options.Agents.Select(static agent => agent.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var agent in options.Agents)
        {
            var about = Subject.Agent(agent.Id);
            AddIfBadId(errors, about, "agent", agent.Id);
            AddIfReserved(errors, about, "agent", agent.Id, RouteOptions.NoAgents, "a route that asks nobody");
            foreach (var endpoint in agent.Endpoints.Select(static endpoint => endpoint.SocketPath).OfType<string>())
            {
                foreach (var listener in options.Listeners.Where(listener => listener.Place == Path.GetFullPath(endpoint)))
                {
                    errors.Add(
                        about,
                        $"agent {agent.Id} is to be reached at {endpoint}, which is the listener {listener.Name}: the daemon would ask itself");
                }
            }

            CheckVersions(errors, agent);
            AddIfBackoffReversed(errors, about, agent.Pool.Over(options.Pool), agent.Variant, $"agent {agent.Id}: ");
        }

        ReverseValidator.Validate(options, errors);
        foreach (var route in options.Routes)
        {
            var about = Subject.Route(route.Id);
            AddIfBadId(errors, about, "route", route.Id);
            AddIfReserved(errors, about, "route", route.Id, RouteOptions.UnmatchedId, "the requests that no route takes");
            CheckAgents(errors, about, $"route {route.Id}", route, known);
        }

        if (options.Unmatched is { } unmatched)
        {
            CheckAgents(errors, Subject.Unmatched, "unmatched", unmatched, known);
        }

        errors.AddRange(BodyNeeds.Errors(options));
        if (options.Agents.Count == 0)
        {
            AddIfBackoffReversed(errors, Subject.Daemon, options.Pool, "", "");
        }

        if (isComplete && options.Routes.Count == 0 && options.Values.Has(DaemonSettings.Unmatched))
        {
            errors.Add(
                Subject.Unmatched,
                $"unmatched ({DaemonSettings.Unmatched.Write(options.Unmatched)}) is about requests that no route takes; without a route "
                + "every request goes to every agent: leave it out, or write the routes");
        }

        return errors;
    }

    private static void CheckVersions(IssueList errors, AgentOptions agent)
    {
        var about = Subject.Agent(agent.Id);
        foreach (var version in agent.Versions)
        {
            AddIfBadId(errors, about, $"agent {agent.Id}: version", version.Name);
            if (version.Weight is < 0 or > VersionOptions.MaxWeight)
            {
                errors.Add(
                    about, $"agent {agent.Id}: version {version.Name} has weight {version.Weight}; give 0 to {VersionOptions.MaxWeight}");
            }
        }

        AddDuplicates(errors, $"agent {agent.Id}: version", agent.Versions, static version => version.Name, _ => about);
        if (agent.Versions.Count > 0 && agent.Versions.All(static version => version.Weight == 0))
        {
            errors.Add(about, $"agent {agent.Id}: every version has weight 0, so none would be asked; give one of them more");
        }

        if (agent.IsReverse && agent.Versions.Count > 0)
        {
            errors.Add(
                about, $"agent {agent.Id} dials in, and nothing tells its versions apart when it does; leave them out, or let it listen");
        }
    }

    private static void CheckAgents(IssueList errors, Subject about, string who, RouteOptions route, HashSet<string> known)
    {
        var all = route.Stages.SelectMany(static stage => stage).ToList();
        foreach (var named in all.Where(named => !known.Contains(named.Agent)))
        {
            var defined = known.Count == 0 ? "none" : string.Join(", ", known.Take(MostListed)) + (known.Count > MostListed ? ", …" : "");
            errors.Add(
                about, $"{who} names agent {named.Agent}, which is not defined; defined are: {defined}{Nearest.Hint(named.Agent, known)}");
        }

        AddDuplicates(errors, $"agent on {who}", all, static named => named.Agent, _ => about);
    }

    private static void AddIfReserved(IssueList errors, Subject about, string what, string id, string word, string meaning)
    {
        if (id == word)
        {
            errors.Add(about, $"{what} id '{id}' is the word for {meaning}; choose another");
        }
    }

    private static void AddDuplicates<T>(
        IssueList errors, string what, IEnumerable<T> all, Func<T, string> nameOf, Func<T, Subject> subjectOf)
    {
        foreach (var twice in all.GroupBy(nameOf, StringComparer.Ordinal).Where(static group => group.Count() > 1))
        {
            errors.Add(subjectOf(twice.Last()), $"{what} {twice.Key} is given {twice.Count()} times");
        }
    }

    // An agent's own bound may be the wrong way round with one of the daemon's.
    private static void AddIfBackoffReversed(IssueList errors, Subject about, PoolOptions pool, string variant, string whose)
    {
        var (least, most) = (CallSettings.ReconnectMin, CallSettings.ReconnectMax);
        var (min, max) = (pool.Values.Get(least, variant), pool.Values.Get(most, variant));
        if (max < min)
        {
            errors.Add(about, $"{whose}{most.Key} {most.Write(max)} is below {least.Key} {least.Write(min)}");
        }
    }

    // Ids become label values and parts of log lines.
    private static void AddIfBadId(IssueList errors, Subject about, string what, string id)
    {
        if (id.Length is 0 or > 64 || !id.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.'))
        {
            errors.Add(about, $"{what} id '{id}' may have 1 to 64 letters, digits, '-', '_' and '.'");
        }
    }
}

/// <summary>Issues as they are found.</summary>
internal sealed class IssueList : List<ConfigurationIssue>
{
    /// <summary>Adds one.</summary>
    public void Add(Subject about, string message) => Add(new ConfigurationIssue(about, message));
}
