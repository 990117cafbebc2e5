using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Messages;

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
    public void End(ConfigPushState state, string? reason, DateTimeOffset now) =>
        _reading = _reading with { State = state, Reason = reason, Ended = now };
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
    string Id, string Agent, string? Version, ConfigPushState State, string? Reason, int Attempts, int Accepted, DateTimeOffset Created,
    DateTimeOffset? Ended);

/// <summary>How far a configuration push is (spec §9.9). Names are label values and field values.</summary>
internal enum ConfigPushState
{
    /// <summary>Nothing was sent yet.</summary>
    Pending,

    /// <summary>Sent; no connection, or not every one, has answered.</summary>
    Sent,

    /// <summary>Every connection has accepted it.</summary>
    Acknowledged,

    /// <summary>The agent refused it, or it cannot be pushed at all.</summary>
    Failed,

    /// <summary>No answer, or no connection, in all attempts.</summary>
    Expired,
}

/// <summary>The words for states and requests in metrics, logs and answers to operators: a bounded set.</summary>
internal static class ConfigPushLabels
{
    /// <summary>A push's state.</summary>
    public static string Of(ConfigPushState state) => state.ToString().ToLowerInvariant();

    /// <summary>What an agent asks, as it is written on the wire (spec §6.4).</summary>
    public static string Of(ConfigUpdate update) => update switch
    {
        RequestReload => "request_reload",
        RuleUpdate => "rule_update",
        ListUpdate => "list_update",
        RestartRequired => "restart_required",
        _ => "config_error",
    };
}

/// <summary>Bounds of configuration pushes (spec §9.9).</summary>
internal sealed record ConfigPushSettings
{
    /// <summary>How long an agent may take to accept or refuse. Default 10 s.</summary>
    public TimeSpan AckTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Attempts after the first. Default 3.</summary>
    public int MaxRetries { get; init; } = 3;

    /// <summary>Pause before each of them. Default 2 s.</summary>
    public TimeSpan RetryInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Pause while every slot of a connection is taken. Default 50 ms, short against an attempt and long against a call.</summary>
    public TimeSpan SlotWait { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Most pushes that may wait for one agent. Default 100.</summary>
    public int MaxPending { get; init; } = 100;

    /// <summary>Most ended pushes to one agent that can be asked for. Default 100.</summary>
    public int MaxEnded { get; init; } = 100;

    /// <summary>
    /// How long an ended push can be asked for. Default 1 h: the specification's minute is over before an operator looks.
    /// </summary>
    public TimeSpan KeepEnded { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// Least time between two pushes that the agent itself asked for. Default 10 s: one that asks whenever it is configured would never
    /// end.
    /// </summary>
    public TimeSpan ReloadInterval { get; init; } = TimeSpan.FromSeconds(10);
}
