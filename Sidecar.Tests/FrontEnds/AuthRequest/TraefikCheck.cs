using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AuthRequest;

/// <summary>The headers of questions as Traefik 3.7 sends them about a POST, and a listener for them.</summary>
internal static class TraefikCheck
{
    public const string Secret = "K7cX0mQyT1uVb2Nw";

    /// <summary>trustForwardHeader false, no body forwarded, the client's method not preserved.</summary>
    public static readonly string[] Usual = About("192.0.2.7");

    /// <summary>trustForwardHeader true, behind a load balancer that told the client's address.</summary>
    public static readonly string[] Trusting =
    [
        .. About("203.0.113.9, 198.51.100.7, 192.0.2.7").Where(static line => !line.StartsWith("Accept-", StringComparison.Ordinal)),
        "X-Forwarded-Server: traefik-1", "X-Real-Ip: 203.0.113.9", "Accept-Encoding: gzip",
    ];

    /// <summary>A listener that is asked so.</summary>
    public static Task<HttpListenerHarness> StartAsync(TestAgent agent, HttpListenerOptions? options = null) =>
        HttpListenerHarness.StartAsync(ProxyProfile.Traefik, [agent], (options ?? HttpHarness.Defaults) with { ResponseHeaders = ["Set-Cookie"] }, Secret);

    private static string[] About(string addresses) =>
    [
        "Host: 127.0.0.1:9000", "User-Agent: curl", $"X-Forwarded-For: {addresses}", "X-Forwarded-Host: shop.example", "X-Forwarded-Method: POST", "X-Forwarded-Port: 443",
        "X-Forwarded-Proto: https", "X-Forwarded-Uri: /a/../b%2f?c", $"X-Sidecar-Secret: {Secret}", "Accept-Encoding: gzip",
    ];
}
