using Sidecar.Daemon.FrontEnds;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Names of headers under which a client could hide something from agents: all that a front end treats in a way of its own, and many others.</summary>
internal static class HostileHeaderNames
{
    // How a message is framed or routed is tested with requests made for that.
    private static readonly string[] Framing = ["host", "content-length", "transfer-encoding"];

    private static readonly HeaderTable[] Tables =
    [
        HeaderTables.Nginx, HeaderTables.Caddy, HeaderTables.CaddyAnnounced, HeaderTables.Traefik, HeaderTables.EnvoyHttp, HeaderTables.Envoy, HeaderTables.Haproxy,
    ];

    private static readonly string[] Others =
    [
        "Accept", "Accept-Charset", "Accept-Datetime", "Accept-Encoding", "Accept-Language", "Accept-Ranges", "Access-Control-Request-Headers",
        "Access-Control-Request-Method", "Alt-Svc", "Authorization", "Cache-Control", "CF-Connecting-IP", "CF-IPCountry", "CF-Ray", "Client-IP", "Content-Disposition",
        "Content-Encoding", "Content-Language", "Content-Location", "Content-MD5", "Content-Range", "Content-Type", "Cookie", "Date", "DNT", "Early-Data", "Expect",
        "ETag", "Fastly-Client-IP", "Forwarded", "From", "Front-End-Https", "HTTP2-Settings", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
        "If-Unmodified-Since", "Last-Modified", "Link", "Location", "Max-Forwards", "Origin", "Pragma", "Prefer", "Proxy", "Proxy-Authenticate", "Proxy-Authorization",
        "Range", "Referer", "Refresh", "Save-Data", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol", "Server", "Set-Cookie",
        "SOAPAction", "Surrogate-Capability", "Traceparent", "Tracestate", "True-Client-IP", "Upgrade-Insecure-Requests", "User-Agent", "Vary", "Via", "Warning",
        "WWW-Authenticate", "X-Accel-Redirect", "X-Amzn-Trace-Id", "X-Api-Version", "X-Arr-Ssl", "X-B3-TraceId", "X-Client-IP", "X-Cluster-Client-IP", "X-CSRF-Token",
        "X-Custom-IP-Authorization", "X-Do-Not-Track", "X-Envoy-Internal", "X-Envoy-Original-Path", "X-Forward-For", "X-Forwarded", "X-Forwarded-By",
        "X-Forwarded-Path", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Scheme", "X-Forwarded-Server", "X-Forwarded-Ssl", "X-Host", "X-HTTP-Host-Override",
        "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override", "X-Original-Host", "X-Original-Remote-Addr", "X-Original-URL", "X-Originating-IP", "X-Payload",
        "X-ProxyUser-Ip", "X-Real-IP", "X-Remote-Addr", "X-Remote-IP", "X-Requested-With", "X-Rewrite-URL", "X-Sendfile", "X-Server-Name", "X-Sidecar", "X-Sidecars",
        "X-Sidecar-", "X-Sidecar-Arg-Foo", "X-Sidecar-Foo", "X-Sidecar-Request-X-User", "X-Sidecar-Response-X-Frame-Options", "X-TLS-Version", "X-UIDH", "X-User-Agent",
        "X-WAP-Profile", "X-Wp-Nonce", "X_Forwarded_For", "X_Original_URI", "X_Sidecar_Foo", "X-Sidecar_Id",
    ];

    /// <summary>Every name once, whatever its case.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        .. Tables.SelectMany(static table => table.Consumed.Concat(Enum.GetValues<TrustedHeader>().Select(table.NameOf).OfType<string>()))
            .Concat(HeaderNames.OfTheConnection).Concat(Others).Except(Framing, StringComparer.OrdinalIgnoreCase).Distinct(StringComparer.OrdinalIgnoreCase),
    ];
}
