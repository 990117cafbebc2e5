using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Verdicts;


namespace Sidecar.Tests.EndToEnd;

/// <summary>Names of headers under which a client could hide something from agents: all that a front end treats in a way of its own, and many others.</summary>
internal static class HostileHeaderNames
{
    // How a message is framed or routed is tested with requests made for that.
    private static readonly string[] Framing = ["host", "content-length", "transfer-encoding"];

    private static readonly HeaderTable[] Tables =
    [
        HeaderTables.Nginx, HeaderTables.Caddy, HeaderTables.CaddyAnnounced, HeaderTables.Traefik, HeaderTables.TraefikUpgrades, HeaderTables.EnvoyHttp,
        HeaderTables.Envoy, HeaderTables.Haproxy,
    ];

    private const string Others = """
        connection keep-alive proxy-connection te trailer upgrade http2-settings expect max-forwards proxy-authorization proxy-authenticate proxy-foo
        x-sidecar-id x_sidecar_id x-sidecar_id x-sidecar-action x-sidecar-audit x-sidecar-bypassed x_sidecar_bypassed x-sidecar-cause x-sidecar-reply
        x-sidecar-secret x-sidecar-session x-sidecar-host x-sidecar-arg-foo x-sidecar-foo x-sidecar-status x-sidecar-protocol x-sidecar-upgrade
        x-sidecar-content-length x-sidecar-transfer-encoding x-sidecar-client-address x-sidecar-client-port x-sidecar-forwarded-for
        x-sidecar-tls-version x-sidecar-tls-cipher x-sidecar- x-user x_user x-client-secret x_client_secret x-sidecars x-side-car sidecar-id
        x-original-uri x-original-url x-original-method x-original-host x-rewrite-url x-forwarded-uri x-forwarded-method x-forwarded-host
        x-forwarded-proto x-forwarded-port x-forwarded-server x-forwarded-prefix x-forwarded-for x-forwarded-by x-forwarded-scheme x-forwarded-ssl
        x-forwarded-path x-forwarded forwarded forwarded-for x_forwarded_for x_forwarded_host x_original_uri x-real-ip x-client-ip client-ip
        true-client-ip cf-connecting-ip fastly-client-ip x-cluster-client-ip x-remote-ip x-remote-addr x-remote-user remote-user x-host
        x-http-host-override x-http-method-override x-http-method x-method-override x-url-scheme x-scheme x-proto front-end-https x-request-id
        x-correlation-id x-amzn-trace-id x-b3-traceid x-b3-spanid b3 traceparent tracestate baggage x-envoy-internal x-envoy-expected-rq-timeout-ms
        x-envoy-auth-partial-body x-envoy-original-path x-envoy-external-address x-envoy-decorator-operation accept accept-charset accept-encoding
        accept-language accept-datetime access-control-request-headers access-control-request-method authorization cache-control pragma cookie cookie2
        content-type content-encoding content-language content-location content-disposition content-md5 content-range date dnt early-data from
        if-match if-modified-since if-none-match if-range if-unmodified-since last-event-id link origin prefer priority purpose range referer
        save-data sec-ch-ua sec-fetch-mode sec-fetch-site sec-gpc sec-websocket-extensions sec-websocket-key sec-websocket-protocol
        sec-websocket-version soapaction surrogate-capability timeout tus-resumable upgrade-insecure-requests user-agent via want-digest digest
        warning x-requested-with x-csrf-token x-api-key x-auth-token x-att-deviceid x-wap-profile x-do-not-track x-frame-options x-accel-redirect
        x-accel-buffering x-sendfile x-middleware-subrequest x-powered-by status location set-cookie age alt-svc etag server vary a x!y x#y x$y x%y
        x&y x'y x*y x+y x.y x^y x`y x|y x~y 9 accept-ranges cf-ipcountry cf-ray last-modified proxy refresh www-authenticate x-api-version x-arr-ssl
        x-custom-ip-authorization x-forward-for x-original-remote-addr x-originating-ip x-payload x-proxyuser-ip x-server-name x-sidecar
        x-sidecar-request-x-user x-sidecar-response-x-frame-options x-tls-version x-uidh x-user-agent x-wp-nonce x_sidecar_foo
        """;

    /// <summary>Every name once, in lower case.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        .. Tables.SelectMany(static table => table.Consumed.Concat(Enum.GetValues<TrustedHeader>().Select(table.NameOf).OfType<string>()))
            .Concat(HeaderNames.OfTheConnection).Concat(Others.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)).Append(new string('n', 250))
            .Select(static name => name.ToLowerInvariant()).Except(Framing, StringComparer.Ordinal).Distinct(StringComparer.Ordinal),
    ];
}
