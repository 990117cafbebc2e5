namespace Sidecar.Protocol.Messages;

/// <summary>What an agent asks of the sender (spec §6.1).</summary>
public enum FlowAction
{
    /// <summary>Anything else: normal operation.</summary>
    Normal = 0,

    /// <summary>Send nothing new.</summary>
    Pause = 1,

    /// <summary>Go on.</summary>
    Resume = 2,

    /// <summary>Only the capacity changes.</summary>
    UpdateCapacity = 3,
}

/// <summary>Pause, resume or capacity, for a connection or one exchange (spec §6.1).</summary>
public sealed record FlowControlSignal
{
    /// <summary>What is asked.</summary>
    public FlowAction Action { get; init; }

    /// <summary>The exchange it is about; empty means the whole connection.</summary>
    public CorrelationId CorrelationId { get; init; }

    /// <summary>Bytes the agent is willing to buffer.</summary>
    public ulong? BufferAvailable { get; init; }

    /// <summary>When, in Unix milliseconds.</summary>
    public ulong TimestampMs { get; init; }
}
