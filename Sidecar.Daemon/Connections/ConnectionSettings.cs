using System.Runtime.CompilerServices;
using System.Text.Json;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Connections.Framed;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections;

/// <summary>What a connection must know of its agent.</summary>
internal sealed record ConnectionSettings
{
    /// <summary>The agent's id as the operator named it.</summary>
    public required string AgentId { get; init; }

    /// <summary>Most calls outstanding on one connection; the agent's own limits make it less.</summary>
    public required int MaxInFlight { get; init; }

    /// <summary>
    /// How the agent's answers find their calls. In order means one call at a time, and neither cancels nor pings (spec §11.3).
    /// </summary>
    public AnswerMatching Matching { get; init; } = AnswerMatching.ById;

    /// <summary>Connect and handshake together; what is changed counts from the next dial on.</summary>
    public required TimeSpan ConnectTimeout { get; set; }

    /// <summary>Encodings offered, best first.</summary>
    public required IReadOnlyList<string> Encodings { get; init; }

    /// <summary>Whether bodies go as raw bytes to an agent that takes them so (spec §4.4); when not, as base64 like to any other.</summary>
    public bool UsesRawBodies { get; init; } = true;

    /// <summary>The agent's configuration as it is now, pushed on each connection before any event; null for none.</summary>
    public JsonElement? Configuration { get => Configured.Current.Value; init => Configured = new AgentConfiguration(value); }

    /// <summary>Where the agent's configuration is kept: it may be replaced while the daemon runs.</summary>
    public AgentConfiguration Configured { get; init; } = new();

    /// <summary>This daemon's version, told in the handshake.</summary>
    public required string ProxyVersion { get; init; }

    /// <summary>Takes what the agent says of itself; null for nobody.</summary>
    public IReportSink? Reports { get; init; }

    /// <summary>Where the time to encode events is measured, and the agent's flow control counted; null for nowhere.</summary>
    public AgentMetrics? Metrics { get; init; }
}

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
    /// A configuration belongs to no exchange but needs an id, because an answer without one is for nobody. No exchange's id looks like
    /// this one.
    /// </summary>
    public static readonly CorrelationId Id = CorrelationId.Parse("configure");

    /// <summary>Sends what the settings hold, if they hold anything. Bounded by the connect timeout.</summary>
    /// <exception cref="ProtocolException">The agent refused it, or did not answer in time.</exception>
    public static async Task SendAsync(
        FramedAgentConnection connection, ConnectionSettings settings, TimeProvider time, CancellationToken cancellation)
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
            result = await connection.CallAsync(message, deadline);
        }

        if (Refusal(result) is { } refusal)
        {
            throw result.IsAnswered
                ? DialProblemException.Error(DialProblem.ConfigurationRefused, refusal)
                : new ProtocolException(refusal);
        }

        settings.Configured.NoteGiven(connection, current);
    }

    /// <summary>What an answer means when it does not accept; null when it does.</summary>
    public static string? Refusal(in CallResult result) => result.Response?.Decision is AllowDecision
        ? null
        : "the agent did not accept its configuration: "
            + $"{(result.Response?.Decision as BlockDecision)?.Body ?? result.Detail ?? "no reason given"}";
}
