using System.Runtime.CompilerServices;
using System.Text.Json;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Connections.Framed;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

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

/// <summary>Hands an agent its configuration on a new connection, before any event, and waits until it is accepted (spec §3.6).</summary>
internal static class ConfigurationPush
{
    /// <summary>
    /// A configuration belongs to no exchange but needs an id, because an answer without one is for nobody. No exchange's id looks like this one.
    /// </summary>
    public static readonly CorrelationId Id = CorrelationId.Parse("configure");

    /// <summary>Sends what the settings hold, if they hold anything. Bounded by the connect timeout.</summary>
    /// <exception cref="ProtocolException">The agent refused it, or did not answer in time.</exception>
    public static async Task SendAsync(FramedAgentConnection connection, ConnectionSettings settings, TimeProvider time, CancellationToken cancellation)
    {
        // Agents built on the reference only look at Configure, never at the handshake's value.
        var current = settings.Configured.Current;
        if (current.Value is not { } configuration)
        {
            return;
        }

        var message = new ConfigureEvent { Config = configuration, ConfigVersion = current.Version, CorrelationId = Id, IsInitial = true };
        var deadline = time.GetTimestamp() + (long)(settings.ConnectTimeout.TotalSeconds * time.TimestampFrequency);
        CallResult result;
        using (cancellation.UnsafeRegister(static state => ((FramedAgentConnection)state!).Abort("the dial was cancelled"), connection))
        {
            result = await connection.CallAsync(message, deadline).ConfigureAwait(false);
        }

        if (Refusal(result) is { } refusal)
        {
            throw result.IsAnswered ? DialProblemException.Error(DialProblem.ConfigurationRefused, refusal) : new ProtocolException(refusal);
        }

        settings.Configured.NoteGiven(connection, current);
    }

    /// <summary>What an answer means when it does not accept; null when it does.</summary>
    public static string? Refusal(in CallResult result) => result.Response?.Decision is AllowDecision
        ? null
        : $"the agent did not accept its configuration: {(result.Response?.Decision as BlockDecision)?.Body ?? result.Detail ?? "no reason given"}";
}
