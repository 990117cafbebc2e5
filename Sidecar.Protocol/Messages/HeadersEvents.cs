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

/// <summary>What is known about the connection and the place of a request (spec §4.3).</summary>
public sealed record RequestMetadata
{
    /// <summary>
    /// The id of this request at the proxy, the same in all its events; also the key by which the phases of one request join.
    /// </summary>
    public string RequestId { get; init; } = "";

    /// <summary>The client's address as IPv4 or IPv6 text; empty when the proxy did not say.</summary>
    public string ClientIp { get; init; } = "";

    /// <summary>The client's port; 0 when the proxy did not say.</summary>
    public ushort ClientPort { get; init; }

    /// <summary>The name the client asked for: SNI or Host.</summary>
    public string? ServerName { get; init; }

    /// <summary>The protocol the client spoke, for example <c>HTTP/1.1</c> or <c>HTTP/2</c>.</summary>
    public string Protocol { get; init; } = "HTTP/1.1";

    /// <summary>The TLS version of the client's connection.</summary>
    public string? TlsVersion { get; init; }

    /// <summary>The TLS cipher of the client's connection. Not carried by gRPC.</summary>
    public string? TlsCipher { get; init; }

    /// <summary>The route that named the agent.</summary>
    public string? RouteId { get; init; }

    /// <summary>Where the proxy will send the request.</summary>
    public string? UpstreamId { get; init; }

    /// <summary>When the request arrived, RFC 3339.</summary>
    public string Timestamp { get; init; } = "";

    /// <summary>W3C trace context; left out of the message when null.</summary>
    public string? Traceparent { get; init; }
}

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
