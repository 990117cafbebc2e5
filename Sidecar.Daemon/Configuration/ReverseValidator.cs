namespace Sidecar.Daemon.Configuration;

/// <summary>Checks that agents which dial in and the listeners they dial fit together.</summary>
internal static class ReverseValidator
{
    /// <summary>Adds every mistake.</summary>
    public static void Validate(ConfigurationSnapshot options, IssueList errors)
    {
        var listeners = options.Listeners.Where(static listener => listener.Reverse is not null).ToList();
        var agents = options.Agents.Where(static agent => agent.IsReverse).ToList();
        foreach (var agent in agents)
        {
            if (!listeners.Exists(listener => listener.Reverse!.Admits(agent)))
            {
                errors.Add(
                    Subject.Agent(agent.Id),
                    $"agent {agent.Id} registers itself, but no listener lets it in; give a reverse listener, or name it in agents of one");
            }

            if (agent.Encoding is { } encoding and not Sidecar.Protocol.Messages.ProtocolConstants.Json)
            {
                errors.Add(
                    Subject.Agent(agent.Id),
                    $"agent {agent.Id}: encoding {encoding} cannot be had on a connection that the agent opens: JSON is all that is spoken "
                    + "there");
            }
        }

        foreach (var listener in listeners)
        {
            var named = listener.Reverse!.Agents;
            if (named is null && agents.Count == 0)
            {
                errors.Add(
                    Subject.Listener(listener.Name),
                    $"listener {listener.Name} waits for agents, but none registers itself; give an agent the endpoint "
                    + new AgentEndpoint.Reverse());
            }

            foreach (var id in (named ?? []).Where(id => !agents.Exists(agent => agent.Id == id)))
            {
                errors.Add(
                    Subject.Listener(listener.Name),
                    $"listener {listener.Name} lets in agent {id}, but no agent of that name has the endpoint {new AgentEndpoint.Reverse()}");
            }
        }
    }
}
