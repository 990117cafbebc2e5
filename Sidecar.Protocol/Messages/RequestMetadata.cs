namespace Sidecar.Protocol.Messages;

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
