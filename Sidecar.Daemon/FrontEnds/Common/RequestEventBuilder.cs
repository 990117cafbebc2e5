using System.Globalization;
using System.Runtime.InteropServices;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>
/// A client's request as any proxy tells it, of which the event for agents is made. Null is what was not told; texts are as agents get
/// them.
/// </summary>
internal readonly ref struct RequestEventBuilder
{
    // Long enough for any id in use, and for a W3C trace context, of which version 00 has 55 characters and later ones may have some more.
    private const int MaxText = 256;

    /// <summary>The proxy's id of the request.</summary>
    public string? RequestId { get; init; }

    /// <summary>The connection it came on.</summary>
    public required ClientConnection Client { get; init; }

    /// <summary>The name of the site, when that is told apart from the request.</summary>
    public string? ServerName { get; init; }

    /// <summary>The host asked for, which names the site otherwise: with or without port, a char per byte.</summary>
    public string? Host { get; init; }

    /// <summary>What the client spoke.</summary>
    public string? Protocol { get; init; }

    /// <summary>Where the proxy sends the request.</summary>
    public string? UpstreamId { get; init; }

    /// <summary>The trace context of the proxy's own call; null to take the request's.</summary>
    public string? Traceparent { get; init; }

    public required string Method { get; init; }

    /// <summary>The request target.</summary>
    public required string Uri { get; init; }

    /// <summary>The headers for agents.</summary>
    public required HeaderBlock Headers { get; init; }

    /// <summary>Whether there is a body; null when nobody can tell.</summary>
    public required bool? HasBody { get; init; }

    /// <summary>The event of the exchange that the request began.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="now">The time of day; told as RFC 3339 with milliseconds.</param>
    public RequestHeadersEvent Build(Exchange exchange, DateTimeOffset now) => new()
    {
        Metadata = new RequestMetadata
        {
            RequestId = RequestId ?? exchange.Id.ToString(),
            ClientIp = Client.Ip,
            ClientPort = Client.Port,
            ServerName = ServerName ?? (Host is { } host ? WireText.Of(HostOnly(host)) : null),
            Protocol = Protocol ?? "HTTP/1.1",
            TlsVersion = Client.TlsVersion,
            TlsCipher = Client.TlsCipher,
            RouteId = exchange.Route?.Id,
            UpstreamId = UpstreamId,
            Timestamp = EventTimestamp.Of(now),
            Traceparent = Short(Traceparent ?? (Headers.IndexOf("traceparent"u8) >= 0 ? Headers.Get("traceparent") : null)),
        },
        Method = Method,
        Uri = Uri,
        Headers = Headers,
        HasBody = HasBody,
    };

    /// <summary>A text that somebody else chose; null when it is empty, or longer than any that is in use.</summary>
    public static string? Short(string? text) => text is { Length: > 0 and <= MaxText } ? text : null;

    /// <summary>The protocol a client spoke, without the minor version that HTTP/2 and later do not have.</summary>
    /// <param name="told">What the proxy said, for example <c>HTTP/2.0</c>; null when it said nothing.</param>
    public static string? ProtocolOf(string? told) => told switch
    {
        "HTTP/2.0" => "HTTP/2",
        "HTTP/3.0" => "HTTP/3",
        _ => told,
    };

    /// <summary>A host without its port.</summary>
    public static string HostOnly(string host) => HostName.Of(host) is var name && name.Length == host.Length ? host : name.ToString();
}

/// <summary>The connection of a client to its proxy. Empty or null is what was not told.</summary>
[StructLayout(LayoutKind.Auto)]
internal record struct ClientConnection()
{
    /// <summary>The client's address as IPv4 or IPv6 text.</summary>
    public string Ip { get; set; } = "";

    /// <summary>Its port; 0 when unknown.</summary>
    public ushort Port { get; set; }

    /// <summary>For example <c>TLSv1.3</c>.</summary>
    public string? TlsVersion { get; set; }

    public string? TlsCipher { get; set; }

    /// <summary>The name in the TLS handshake.</summary>
    public string? Sni { get; set; }
}

/// <summary>The time of day as events tell it: RFC 3339 in UTC with milliseconds. Safe from any thread.</summary>
/// <remarks>Events come many to a millisecond, and share its text.</remarks>
internal static class EventTimestamp
{
    private static Text _last = new(0);

    /// <summary>The text of a time.</summary>
    public static string Of(DateTimeOffset time)
    {
        var millisecond = time.UtcTicks / TimeSpan.TicksPerMillisecond;
        var last = Volatile.Read(ref _last);
        if (last.Millisecond != millisecond)
        {
            Volatile.Write(ref _last, last = new Text(millisecond));
        }

        return last.Value;
    }

    private sealed class Text(long millisecond)
    {
        public long Millisecond => millisecond;

        public string Value { get; } =
            new DateTime(millisecond * TimeSpan.TicksPerMillisecond, DateTimeKind.Utc)
                .ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
    }
}
