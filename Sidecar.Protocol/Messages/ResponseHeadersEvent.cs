namespace Sidecar.Protocol.Messages;

/// <summary>A response status with its headers (spec §4.5).</summary>
public sealed record ResponseHeadersEvent : AgentEvent
{
    /// <inheritdoc/>
    public override MessageType Type => MessageType.ResponseHeaders;

    /// <summary>The HTTP status of the response.</summary>
    public ushort Status { get; init; }

    /// <summary>The response's headers.</summary>
    public required HeaderBlock Headers { get; init; }
}
