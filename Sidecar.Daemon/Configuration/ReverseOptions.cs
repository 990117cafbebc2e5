namespace Sidecar.Daemon.Configuration;

/// <summary>Who may dial in on a reverse listener, as the operator wrote it.</summary>
internal sealed record ReverseOptions
{
    /// <summary>The agents allowed; null for every agent whose endpoint is <see cref="AgentEndpoint.Reverse"/>.</summary>
    public IReadOnlyList<string>? Agents { get; init; }

    /// <summary>The file with the agents' tokens; null asks for none.</summary>
    public string? TokenFile { get; init; }

    /// <summary>Users, by name or number, as which a peer may run; null for any.</summary>
    public IReadOnlyList<string>? Users { get; init; }

    /// <summary>Groups, by name or number, as which a peer may run; null for any.</summary>
    public IReadOnlyList<string>? Groups { get; init; }

    /// <summary>Most connections of one agent; null for as many as its pool keeps.</summary>
    public int? MaxPerAgent { get; init; }

    /// <summary>Whether this agent may register here.</summary>
    public bool Admits(AgentOptions agent) => agent.IsReverse && (Agents?.Contains(agent.Id) ?? true);
}
