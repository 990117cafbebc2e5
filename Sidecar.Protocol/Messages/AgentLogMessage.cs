namespace Sidecar.Protocol.Messages;

/// <summary>How much a line of an agent's log matters, with the numbers of the protocol (spec §7.3).</summary>
public enum AgentLogLevel
{
    /// <summary>Not said: taken as <see cref="Info"/>.</summary>
    Unspecified = 0,

    /// <summary>For those who look for an error.</summary>
    Debug = 1,

    /// <summary>What happens ordinarily.</summary>
    Info = 2,

    /// <summary>Somebody should look.</summary>
    Warn = 3,

    /// <summary>Something failed.</summary>
    Error = 4,
}

/// <summary>A line that an agent wants to be in the proxy's log (spec §6.8). Carried by gRPC only.</summary>
public sealed record AgentLogMessage
{
    /// <summary>How much it matters.</summary>
    public AgentLogLevel Level { get; init; }

    /// <summary>The text.</summary>
    public required string Message { get; init; }

    /// <summary>The exchange it is about; empty for none.</summary>
    public CorrelationId CorrelationId { get; init; }

    /// <summary>Further facts.</summary>
    public IReadOnlyDictionary<string, string> Fields { get; init; } = EmptyMap.OfStrings;

    /// <summary>When, in Unix milliseconds.</summary>
    public ulong TimestampMs { get; init; }
}
