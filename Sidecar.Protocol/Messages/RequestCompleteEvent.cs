namespace Sidecar.Protocol.Messages;

/// <summary>The exchange has ended; agents free what they keep for it (spec §4.6).</summary>
public sealed record RequestCompleteEvent : AgentEvent
{
    /// <inheritdoc/>
    public override MessageType Type => MessageType.RequestComplete;

    /// <summary>The final status sent to the client; 0 when unknown.</summary>
    public ushort Status { get; init; }

    /// <summary>From the first byte of the request to its end, in milliseconds.</summary>
    public ulong DurationMs { get; init; }

    /// <summary>Bytes of the request body.</summary>
    public ulong RequestBodySize { get; init; }

    /// <summary>Bytes of the response body.</summary>
    public ulong ResponseBodySize { get; init; }

    /// <summary>How often the proxy tried an upstream.</summary>
    public uint UpstreamAttempts { get; init; }

    /// <summary>Why the exchange failed, when it did.</summary>
    public string? Error { get; init; }
}
