using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.FrontEnds;

/// <summary>The tables of all front ends. What a table hides from agents, the ready configuration of its proxy replaces or takes away towards the upstream.</summary>
internal static class HeaderTables
{
    // Of the question's own connection and message. What the client sent of these comes as a copy or not at all.
    private static readonly string[] OfTheQuestion = ["connection", "content-length", "keep-alive", "transfer-encoding"];

    /// <summary>nginx's <c>auth_request</c>: what <c>sidecar-check.conf</c> sets; <c>sidecar-protect.conf</c> sets the same names towards the upstream.</summary>
    public static HeaderTable Nginx { get; } = new(
        [
            (TrustedHeader.Method, "x-original-method"),
            (TrustedHeader.Target, "x-original-uri"),
            (TrustedHeader.Authority, "x-forwarded-host"),
            (TrustedHeader.Host, "x-sidecar-host"),
            (TrustedHeader.Scheme, "x-forwarded-proto"),
            (TrustedHeader.ClientAddress, "x-forwarded-for"),
            (TrustedHeader.ClientPort, "x-sidecar-client-port"),
            (TrustedHeader.RequestId, "x-request-id"),
            (TrustedHeader.Protocol, "x-sidecar-protocol"),
            (TrustedHeader.TlsVersion, "x-sidecar-tls-version"),
            (TrustedHeader.TlsCipher, "x-sidecar-tls-cipher"),
            (TrustedHeader.ContentLength, "x-sidecar-content-length"),
            (TrustedHeader.TransferEncoding, "x-sidecar-transfer-encoding"),
            (TrustedHeader.Upgrade, "x-sidecar-upgrade"),
            (TrustedHeader.ForwardedFor, "x-sidecar-forwarded-for"),
            (TrustedHeader.ForwardedHost, "x-sidecar-forwarded-host"),
            (TrustedHeader.ForwardedProto, "x-sidecar-forwarded-proto"),
            (TrustedHeader.Session, "x-sidecar-session"),
        ],
        [.. OfTheQuestion, "host", "te", "upgrade", .. Replaced("action", "audit", "bypassed", "cause", "id", "reply", "secret")],
        HeaderRole.Refused);

    /// <summary>Caddy's <c>forward_auth</c>: the five names that the directive itself always sets.</summary>
    public static HeaderTable Caddy { get; } = new(
        ForwardAuth,
        [.. OfTheQuestion, "host", .. Replaced("bypassed", "id", "secret")],
        HeaderRole.Refused);

    /// <summary>Caddy with the ready configuration, which also tells how long a body is.</summary>
    public static HeaderTable CaddyAnnounced { get; } = new([.. ForwardAuth, (TrustedHeader.ContentLength, "x-sidecar-content-length")], Caddy.Consumed, HeaderRole.Refused);

    /// <summary>Traefik's <c>ForwardAuth</c>.</summary>
    public static HeaderTable Traefik { get; } = new(
        ForwardAuth,
        [
            .. OfTheQuestion, "host", "te", "upgrade", "x-forwarded-port", "x-forwarded-server", "x-forwarded-prefix", "x-real-ip",
            .. Replaced("action", "audit", "bypassed", "id", "secret", "status"),
        ],
        HeaderRole.Refused);

    /// <summary>Envoy's ext_authz over HTTP: the answer names what Envoy is to take away.</summary>
    public static HeaderTable EnvoyHttp { get; } = new(
        [
            (TrustedHeader.Authority, "host"),
            (TrustedHeader.ClientAddress, "x-sidecar-client-address"),
            (TrustedHeader.ClientPort, "x-sidecar-client-port"),
            (TrustedHeader.RequestId, "x-request-id"),
            (TrustedHeader.Protocol, "x-sidecar-protocol"),
            (TrustedHeader.TlsVersion, "x-sidecar-tls-version"),
            (TrustedHeader.TlsCipher, "x-sidecar-tls-cipher"),
        ],
        [.. OfTheQuestion, "x-envoy-auth-partial-body", "x-envoy-internal", "x-envoy-expected-rq-timeout-ms"],
        HeaderRole.Removed);

    /// <summary>Envoy over gRPC: every answer that lets pass names what Envoy is to take away.</summary>
    public static HeaderTable Envoy { get; } = new([], [], HeaderRole.Removed);

    /// <summary>HAProxy: its configuration takes away what is hidden here, behind the question.</summary>
    public static HeaderTable Haproxy { get; } = new([], ["connection", "keep-alive", "proxy-connection", "te", "trailer"], HeaderRole.Removed);

    private static (TrustedHeader Header, string Name)[] ForwardAuth =>
    [
        (TrustedHeader.Method, "x-forwarded-method"),
        (TrustedHeader.Target, "x-forwarded-uri"),
        (TrustedHeader.Authority, "x-forwarded-host"),
        (TrustedHeader.Scheme, "x-forwarded-proto"),
        (TrustedHeader.ClientAddress, "x-forwarded-for"),
    ];

    private static IEnumerable<string> Replaced(params string[] own) => own.Select(static name => HeaderNames.OwnPrefix + name);
}
