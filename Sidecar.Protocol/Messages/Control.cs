namespace Sidecar.Protocol.Messages;

/// <summary>Why a call is no longer wanted, with the numbers of the Unix-socket transport (spec §6.6).</summary>
public enum CancelReason
{
    /// <summary>The client went away.</summary>
    ClientDisconnect = 0,

    /// <summary>The call's time is up.</summary>
    Timeout = 1,

    /// <summary>Another agent already decided.</summary>
    BlockedByAgent = 2,

    /// <summary>The upstream failed.</summary>
    UpstreamError = 3,

    /// <summary>The proxy stops.</summary>
    ProxyShutdown = 4,

    /// <summary>Somebody said so.</summary>
    Manual = 5,
}

/// <summary>A call is no longer wanted; it has no answer of its own (spec §6.6).</summary>
/// <param name="CorrelationId">The exchange.</param>
/// <param name="Reason">Why.</param>
/// <param name="TimestampMs">When, in Unix milliseconds.</param>
public sealed record CancelRequest(CorrelationId CorrelationId, CancelReason Reason, ulong TimestampMs);

/// <summary>A ping, and the pong that repeats it (spec §6.7).</summary>
/// <param name="Sequence">From 0.</param>
/// <param name="TimestampMs">When, in Unix milliseconds.</param>
public readonly record struct PingMessage(ulong Sequence, ulong TimestampMs);

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
