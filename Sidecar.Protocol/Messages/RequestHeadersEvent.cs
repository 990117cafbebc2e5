namespace Sidecar.Protocol.Messages;

/// <summary>A request line with its headers (spec §4.3).</summary>
public sealed record RequestHeadersEvent : AgentEvent
{
    /// <inheritdoc/>
    public override MessageType Type => MessageType.RequestHeaders;

    /// <summary>The connection and place of the request.</summary>
    public required RequestMetadata Metadata { get; init; }

    /// <summary>The method as the client sent it.</summary>
    public required string Method { get; init; }

    /// <summary>Path and query as the client sent them, byte for byte.</summary>
    public required string Uri { get; init; }

    /// <summary>The request's headers.</summary>
    public required HeaderBlock Headers { get; init; }

    /// <summary>
    /// Whether events about the request's body may follow: false when none will, because there is none or because the agent's proxy keeps
    /// it to itself; null when nothing tells, as from proxies other than the sidecar.
    /// </summary>
    public bool? HasBody { get; init; }
}
