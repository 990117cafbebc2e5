using Sidecar.Daemon.Connections;

namespace Sidecar.Daemon.Agents.Config;

/// <summary>One configuration on its way to one agent. Changed by one task, read by any.</summary>
/// <param name="id">Names it: <c>push-1</c> and so on.</param>
/// <param name="agent">The agent.</param>
/// <param name="value">The configuration.</param>
/// <param name="created">When it was asked for.</param>
internal sealed class ConfigPush(string id, AgentState agent, ConfigurationValue value, DateTimeOffset created)
{
    private volatile ConfigPushReading _reading = new(id, agent.Id, value.Version, ConfigPushState.Pending, null, 0, 0, created, null);

    /// <summary>Names it.</summary>
    public string Id => id;

    /// <summary>The agent.</summary>
    public AgentState Agent => agent;

    /// <summary>The configuration.</summary>
    public ConfigurationValue Value => value;

    /// <summary>What the agent had before it accepted this one; null while it has not.</summary>
    public ConfigurationValue? Before { get; private set; }

    /// <summary>How far it is.</summary>
    public ConfigPushReading Reading => _reading;

    /// <summary>Whether nothing will change any more.</summary>
    public bool HasEnded => _reading.State is ConfigPushState.Acknowledged or ConfigPushState.Failed or ConfigPushState.Expired;

    /// <summary>One more attempt begins.</summary>
    public void Attempt() => _reading = _reading with { Attempts = _reading.Attempts + 1 };

    /// <summary>It goes to one more connection.</summary>
    public void Sent() => _reading = _reading with { State = ConfigPushState.Sent };

    /// <summary>The agent has accepted it on a first connection: it counts from now on.</summary>
    public void Adopt()
    {
        Before = agent.Configuration.Current;
        agent.Configuration.Replace(value);
    }

    /// <summary>So many connections have accepted it so far.</summary>
    public void Accepted(int connections) => _reading = _reading with { Accepted = connections };

    /// <summary>Why the last attempt did not succeed.</summary>
    public void Missed(string reason) => _reading = _reading with { Reason = reason };

    /// <summary>It is over.</summary>
    public void End(ConfigPushState state, string? reason, DateTimeOffset now) => _reading = _reading with { State = state, Reason = reason, Ended = now };
}

/// <summary>A configuration push at a moment.</summary>
/// <param name="Id">Names it.</param>
/// <param name="Agent">The agent's id.</param>
/// <param name="Version">What the agent is told as the configuration's version.</param>
/// <param name="State">How far it is.</param>
/// <param name="Reason">Why it failed, expired or was not yet accepted; null for no reason.</param>
/// <param name="Attempts">Attempts made.</param>
/// <param name="Accepted">Connections that have accepted it.</param>
/// <param name="Created">When it was asked for.</param>
/// <param name="Ended">When it ended; null while it has not.</param>
internal sealed record ConfigPushReading(
    string Id, string Agent, string? Version, ConfigPushState State, string? Reason, int Attempts, int Accepted, DateTimeOffset Created, DateTimeOffset? Ended);
