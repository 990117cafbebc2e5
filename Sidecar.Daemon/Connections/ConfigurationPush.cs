using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Connections.Framed;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections;

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
