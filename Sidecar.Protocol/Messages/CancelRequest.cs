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
