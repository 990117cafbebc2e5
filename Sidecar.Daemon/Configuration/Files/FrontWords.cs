using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>For whom a listener is: one word of a file says its kind and, where proxies ask over HTTP, which asks.</summary>
/// <param name="Word">The word behind <c>for</c>.</param>
/// <param name="Kind">What it speaks.</param>
/// <param name="Proxy">Which proxy asks.</param>
/// <param name="Scope">The keys that it has.</param>
internal sealed record FrontWord(string Word, ListenerKind Kind, ProxyKind Proxy, SettingScopes Scope)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<FrontWord> All { get; } =
    [
        new("nginx", ListenerKind.Http, ProxyKind.Nginx, SettingScopes.Http),
        new("haproxy", ListenerKind.Spop, ProxyKind.None, SettingScopes.Spop),
        new("envoy", ListenerKind.Envoy, ProxyKind.None, SettingScopes.Envoy),
        new("envoy-http", ListenerKind.Http, ProxyKind.EnvoyHttp, SettingScopes.Http),
        new("caddy", ListenerKind.Http, ProxyKind.Caddy, SettingScopes.Http),
        new("traefik", ListenerKind.Http, ProxyKind.Traefik, SettingScopes.Http),
        new("json", ListenerKind.Http, ProxyKind.Json, SettingScopes.Json),
        new("frames", ListenerKind.Frames, ProxyKind.None, SettingScopes.Frames),
        new("native", ListenerKind.Native, ProxyKind.None, SettingScopes.Native),
        new("admin", ListenerKind.Admin, ProxyKind.None, SettingScopes.Admin),
        new("reverse", ListenerKind.Reverse, ProxyKind.None, SettingScopes.Reverse),
    ];

    /// <summary>The words, for messages.</summary>
    public static string Words { get; } = string.Join(", ", All.Select(static front => front.Word));

    /// <summary>Whether it may listen on a port of loopback.</summary>
    public bool MayUsePort => Kind == ListenerKind.Envoy || Proxy == ProxyKind.Traefik;

    /// <summary>The word for a listener.</summary>
    public static FrontWord Of(ListenerOptions listener) => All.First(front => front.Kind == listener.Kind && front.Proxy == listener.Proxy);
}
