namespace Sidecar.Daemon.Configuration;

/// <summary>The words for proxies on the command line, in one place for parser, help and errors.</summary>
internal static class ProxyLabels
{
    /// <summary>Every word with what it means.</summary>
    public static (string Word, ProxyKind Value)[] All { get; } =
    [
        ("nginx", ProxyKind.Nginx),
        ("caddy", ProxyKind.Caddy),
        ("traefik", ProxyKind.Traefik),
        ("envoy-http", ProxyKind.EnvoyHttp),
        ("json", ProxyKind.Json),
    ];

    /// <summary>The key with every word, for example <c>proxy=nginx|caddy</c>.</summary>
    public static string Choices { get; } = "proxy=" + string.Join('|', All.Select(static word => word.Word));
}
