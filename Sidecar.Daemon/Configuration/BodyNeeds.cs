using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration;

/// <summary>Finds agents that must see bodies behind listeners whose proxies hand none over.</summary>
internal static class BodyNeeds
{
    private const EventSet Bodies = EventSet.RequestBodyChunk | EventSet.ResponseBodyChunk;

    /// <summary>
    /// One error for each such agent and listener. An agent needs bodies when its events name them and it does not say that it can do
    /// without.
    /// </summary>
    /// <remarks>A route's agents stand behind each listener whose requests it takes, those for requests that no route takes behind all.</remarks>
    public static IEnumerable<ConfigurationIssue> Errors(ConfigurationSnapshot options)
    {
        var routes = options.Routes.Append(options.Unmatched).OfType<RouteOptions>().ToList();
        bool IsAsked(AgentOptions agent, ListenerOptions listener) => options.Routes.Count == 0 || routes.Exists(route =>
            route.TakesFrom(listener)
            && route.Stages.Any(stage => stage.Any(named => named.Agent == agent.Id && named.Mode != AgentMode.Off)));
        return
            from agent in options.Agents
            where agent.Mode != AgentMode.Off && agent.Events is { } named && (named & Bodies) != 0 && !agent.Body.IsOptional
            from listener in options.Listeners
            where !listener.HasBodies && listener.Kind != ListenerKind.Admin && IsAsked(agent, listener)
            select new ConfigurationIssue(
                Subject.Agent(agent.Id),
                $"agent {agent.Id} needs bodies (its events name them), and listener {listener.Name} hands none over: its proxy keeps them; "
                + "let the proxy ask a listener that has bodies, take the body events out of events, or say that bodies are optional "
                + "(body=optional, in a file body: {required: no}) where headers alone will do");
    }
}
