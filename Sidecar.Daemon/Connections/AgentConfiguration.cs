using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Sidecar.Daemon.Connections;

/// <summary>The configuration that an agent has accepted, and which of its connections have been given it. Safe from any thread.</summary>
/// <remarks>It changes only when an agent has accepted a new one: a refused configuration must not keep later connections out.</remarks>
internal sealed class AgentConfiguration(JsonElement? initial = null)
{
    private readonly ConditionalWeakTable<IAgentConnection, ConfigurationValue> _given = [];
    private volatile ConfigurationValue _current = new(initial, null);

    /// <summary>The file that the operator names now; null when none is.</summary>
    public string? File { get; set; }

    /// <summary>What a new connection is to be given.</summary>
    public ConfigurationValue Current => _current;

    /// <summary>The agent has accepted another one.</summary>
    public void Replace(ConfigurationValue value) => _current = value;

    /// <summary>A connection's agent has accepted this one.</summary>
    public void NoteGiven(IAgentConnection connection, ConfigurationValue value) => _given.AddOrUpdate(connection, value);

    /// <summary>Whether a connection's agent has accepted this very one.</summary>
    public bool WasGiven(IAgentConnection connection, ConfigurationValue value) =>
        _given.TryGetValue(connection, out var given) && ReferenceEquals(given, value);
}

/// <summary>A configuration. Compared by reference.</summary>
/// <param name="value">Any JSON value; null when there is nothing to send.</param>
/// <param name="version">Its name, by which agents recognise a repetition; null for the one that the daemon started with.</param>
internal sealed class ConfigurationValue(JsonElement? value, string? version)
{
    /// <summary>Any JSON value; null when there is nothing to send.</summary>
    public JsonElement? Value => value;

    /// <summary>Its name, by which agents recognise a repetition; null for the one that the daemon started with.</summary>
    public string? Version => version;
}
