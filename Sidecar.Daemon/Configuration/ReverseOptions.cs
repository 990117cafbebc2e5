using Sidecar.Daemon.Configuration.Settings;
using Keys = Sidecar.Daemon.Configuration.Settings.ListenerSettings;

namespace Sidecar.Daemon.Configuration;

/// <summary>Who may dial in on a reverse listener, as the operator wrote it.</summary>
internal sealed record ReverseOptions : SettingOptions
{
    /// <summary>The agents allowed; null for every agent whose endpoint is <see cref="AgentEndpoint.Reverse"/>.</summary>
    public IReadOnlyList<string>? Agents { get => Get(Keys.Agents); init => Values = Values.With(Keys.Agents, value); }

    /// <summary>The file with the agents' tokens; null asks for none.</summary>
    public string? TokenFile => Get(Keys.TokenFile);

    /// <summary>Users, by name or number, as which a peer may run; null for any.</summary>
    public IReadOnlyList<string>? Users => Get(Keys.Users);

    /// <summary>Groups, by name or number, as which a peer may run; null for any.</summary>
    public IReadOnlyList<string>? Groups => Get(Keys.Groups);

    /// <summary>Most connections of one agent; null for as many as its pool keeps.</summary>
    public int? MaxPerAgent => Values.Find(Keys.MaxPerAgent);

    /// <summary>Whether this agent may register here.</summary>
    public bool Admits(AgentOptions agent) => agent.IsReverse && (Agents?.Contains(agent.Id) ?? true);
}
