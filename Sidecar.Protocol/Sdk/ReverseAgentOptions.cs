namespace Sidecar.Protocol.Sdk;

/// <summary>How an agent that dials in presents itself and what it bears (spec §8).</summary>
public sealed record ReverseAgentOptions : AgentConnectionOptions
{
    /// <summary>The id under which it registers; the proxy must know it.</summary>
    public required string AgentId { get; init; }

    /// <summary>The Unix socket on which the proxy takes registrations; at most 107 bytes.</summary>
    public required string SocketPath { get; init; }

    /// <summary>The secret that goes with the id; null when the proxy asks for none.</summary>
    public string? AuthToken { get; init; }

    /// <summary>Free facts for the proxy; null for none.</summary>
    public JsonElement? Metadata { get; init; }

    /// <summary>
    /// Connections to keep open, at least 1: 4, what our own daemon takes from one agent, so that one that dies is not the only one.
    /// </summary>
    public int Connections { get; init; } = 4;

    /// <summary>Shortest wait before dialling again: 10 ms, because a local proxy that restarts is back at once.</summary>
    public TimeSpan ReconnectMin { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// Longest wait before dialling again, after a refusal as after a failure: 2 s, so that a late proxy is not missed for long.
    /// </summary>
    public TimeSpan ReconnectMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Names the agent and the socket; a record's own text would show the secret.</summary>
    public override string ToString() => $"{AgentId} at {SocketPath}";
}
