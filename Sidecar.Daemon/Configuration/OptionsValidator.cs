using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Protocol.Messages;

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
            errors.Add($"no agent: give at least one --agent, or say --route all,agents={RouteOptions.NoAgents} if every request is to "
                + "pass uninspected");
        }

        AddDuplicates(errors, "agent", options.Agents.Select(static agent => agent.Id));
        AddDuplicates(errors, "route", options.Routes.Select(static route => route.Id));
        AddDuplicates(
            errors, "listener name (kind and file name, a label of metrics)",
            options.Listeners.DistinctBy(static listener => listener.Place).Select(static listener => listener.Name));
        AddDuplicates(errors, "listener path", options.Listeners.Select(static listener => listener.Place));
        var known = options.Agents.Select(static agent => agent.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var agent in options.Agents)
        {
            AddIfBadId(errors, "agent", agent.Id);
            AddIfReserved(errors, "agent", agent.Id, RouteOptions.NoAgents, "a route that asks nobody");
            foreach (var endpoint in agent.Endpoints.Select(static endpoint => endpoint.SocketPath).OfType<string>())
            {
                foreach (var listener in options.Listeners.Where(listener => listener.Place == Path.GetFullPath(endpoint)))
                {
                    errors.Add($"agent {agent.Id} is to be reached at {endpoint}, which is the listener {listener.Name}: the daemon would "
                        + "ask itself");
                }
            }

            CheckVersions(errors, agent);
            AddIfBackoffReversed(errors, agent.Pool.Over(options.Pool), agent.Variant, $"agent {agent.Id}: ");
        }

        ReverseValidator.Validate(options, errors);
        foreach (var route in options.Routes)
        {
            AddIfBadId(errors, "route", route.Id);
            AddIfReserved(errors, "route", route.Id, RouteOptions.UnmatchedId, "the requests that no route takes");
            CheckAgents(errors, $"route {route.Id}", route, known);
        }

        if (options.Unmatched is { } unmatched)
        {
            CheckAgents(errors, "--unmatched", unmatched, known);
        }

        errors.AddRange(BodyNeeds.Errors(options));
        if (options.Agents.Count == 0)
        {
            AddIfBackoffReversed(errors, options.Pool, "", "");
        }

        return errors;
    }

    private static void CheckVersions(List<string> errors, AgentOptions agent)
    {
        foreach (var version in agent.Versions)
        {
            AddIfBadId(errors, $"agent {agent.Id}: version", version.Name);
            if (version.Weight is < 0 or > VersionOptions.MaxWeight)
            {
                errors.Add($"agent {agent.Id}: version {version.Name} has weight {version.Weight}; give 0 to {VersionOptions.MaxWeight}");
            }
        }

        AddDuplicates(errors, $"agent {agent.Id}: version", agent.Versions.Select(static version => version.Name));
        if (agent.Versions.Count > 0 && agent.Versions.All(static version => version.Weight == 0))
        {
            errors.Add($"agent {agent.Id}: every version has weight 0, so none would be asked; give one of them more");
        }

        if (agent.IsReverse && agent.Versions.Count > 0)
        {
            errors.Add($"agent {agent.Id} dials in, and nothing tells its versions apart when it does; leave them out, or let it listen");
        }
    }

    private static void CheckAgents(List<string> errors, string who, RouteOptions route, HashSet<string> known)
    {
        foreach (var named in route.Stages.SelectMany(static stage => stage).Where(named => !known.Contains(named.Agent)))
        {
            errors.Add($"{who} names agent {named.Agent}, which no --agent defines; defined are: "
                + $"{(known.Count == 0 ? "none" : string.Join(", ", known))}");
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
    private static void AddIfBackoffReversed(List<string> errors, PoolOptions pool, string variant, string whose)
    {
        var (least, most) = (CallSettings.ReconnectMin, CallSettings.ReconnectMax);
        var (min, max) = (pool.Values.Get(least, variant), pool.Values.Get(most, variant));
        if (max < min)
        {
            errors.Add($"{whose}{most.Flag} {most.Write(max)} is below {least.Flag} {least.Write(min)}");
        }
    }

    // Ids become label values and parts of log lines.
    private static void AddIfBadId(List<string> errors, string what, string id)
    {
        if (id.Length is 0 or > 64 || !id.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.'))
        {
            errors.Add($"{what} id '{id}' may have 1 to 64 letters, digits, '-', '_' and '.'");
        }
    }
}

/// <summary>Checks that agents which dial in and the listeners they dial fit together.</summary>
internal static class ReverseValidator
{
    /// <summary>Adds every mistake.</summary>
    public static void Validate(ConfigurationSnapshot options, List<string> errors)
    {
        var listeners = options.Listeners.Where(static listener => listener.Reverse is not null).ToList();
        var agents = options.Agents.Where(static agent => agent.IsReverse).ToList();
        foreach (var agent in agents)
        {
            if (!listeners.Exists(listener => listener.Reverse!.Admits(agent)))
            {
                errors.Add($"agent {agent.Id} registers itself, but no listener lets it in; give --listen reverse=PATH, or name it in "
                    + "agents= of one");
            }

            if (agent.Encoding is { } encoding and not Sidecar.Protocol.Messages.ProtocolConstants.Json)
            {
                errors.Add($"agent {agent.Id}: encoding={encoding} cannot be had on a connection that the agent opens: JSON is all that is "
                    + "spoken there");
            }
        }

        foreach (var listener in listeners)
        {
            var named = listener.Reverse!.Agents;
            if (named is null && agents.Count == 0)
            {
                errors.Add($"listener {listener.Name} waits for agents, but none registers itself; write --agent "
                    + $"ID={new AgentEndpoint.Reverse()}");
            }

            foreach (var id in (named ?? []).Where(id => !agents.Exists(agent => agent.Id == id)))
            {
                errors.Add($"listener {listener.Name} lets in agent {id}, which no --agent {id}={new AgentEndpoint.Reverse()} defines");
            }
        }
    }
}

/// <summary>Finds agents that must see bodies behind listeners whose proxies hand none over.</summary>
internal static class BodyNeeds
{
    private const EventSet Bodies = EventSet.RequestBodyChunk | EventSet.ResponseBodyChunk;

    /// <summary>
    /// One error for each such agent and listener. An agent needs bodies when its events name them and it does not say that it can do
    /// without.
    /// </summary>
    /// <remarks>
    /// Every listener takes every route, so each route's agents stand behind each listener; so do those for requests that no route takes.
    /// </remarks>
    public static IEnumerable<string> Errors(ConfigurationSnapshot options)
    {
        var asked = options.Routes.Append(options.Unmatched).OfType<RouteOptions>()
            .SelectMany(static route => route.Stages).SelectMany(static stage => stage)
            .Where(static named => named.Mode != AgentMode.Off).Select(static named => named.Agent).ToHashSet(StringComparer.Ordinal);
        return
            from agent in options.Agents
            where options.Routes.Count == 0 || asked.Contains(agent.Id)
            where agent.Mode != AgentMode.Off && agent.Events is { } named && (named & Bodies) != 0 && !agent.Body.IsOptional
            from listener in options.Listeners
            where !listener.HasBodies && listener.Kind != ListenerKind.Admin
            select $"agent {agent.Id} needs bodies (its events= names them), and listener {listener.Name} hands none over: its proxy keeps "
                + "them; let the proxy ask a listener that has bodies, take the body events out of events=, or write body=optional where "
                + "headers alone will do";
    }
}
