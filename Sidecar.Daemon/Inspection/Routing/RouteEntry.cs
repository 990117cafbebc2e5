using System.Text;

namespace Sidecar.Daemon.Inspection.Routing;

/// <summary>One route made ready for matching. Immutable.</summary>
internal sealed class RouteEntry
{
    private readonly string[] _hosts;
    private readonly StringComparison _comparison;
    private readonly (string? Prefix, string? Exact) _path;
    private readonly (string? Prefix, string? Exact) _decodedPath;

    /// <summary>Makes a route ready.</summary>
    public RouteEntry(RouteModel route)
    {
        Route = route;
        _hosts = [.. route.Match.Hosts.Select(static host => HostName.Of(host).ToString())];
        _comparison = route.Match.IgnoresCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        var (prefix, exact) = (Bytes(route.Match.PathPrefix), Bytes(route.Match.ExactPath));
        _path = (Prefix(prefix, PathNormalizer.Normalize), exact is null ? null : PathNormalizer.Normalize(exact).TrimEnd('/'));
        _decodedPath = (Prefix(prefix, PathNormalizer.NormalizeDecoded), exact is null ? null : PathNormalizer.NormalizeDecoded(exact).TrimEnd('/'));
    }

    /// <summary>The route as configured.</summary>
    public RouteModel Route { get; }

    /// <summary>Whether the route looks at the path at all.</summary>
    public bool HasPath => _path is not (null, null);

    /// <summary>Whether what it says of the path differs from itself with every escape decoded.</summary>
    public bool HasEscapedPath => _path != _decodedPath;

    /// <summary>Whether everything but the path fits.</summary>
    /// <param name="name">The host as <see cref="HostName.Of"/> returns it; empty when the request has none.</param>
    /// <param name="method">The method as it stands in the request.</param>
    /// <param name="listener">The name of the listener that it came to.</param>
    public bool TakesAllButPath(ReadOnlySpan<char> name, string method, string listener) =>
        (_hosts.Length == 0 || TakesHost(name))
        && (Route.Match.Methods.Count == 0 || Route.Match.Methods.Contains(method, StringComparer.Ordinal))
        && (Route.Match.Listeners.Count == 0 || Route.Match.Listeners.Contains(listener, StringComparer.Ordinal));

    /// <summary>Whether the path fits: it is the one path, but for slashes at its end, and it is the prefix, or a <c>/</c> follows the prefix in it.</summary>
    /// <param name="path">The path in some reading.</param>
    /// <param name="isDecoded">Whether that reading decodes every escape.</param>
    public bool TakesPath(ReadOnlySpan<char> path, bool isDecoded)
    {
        var (prefix, exact) = isDecoded ? _decodedPath : _path;

        // Most servers take "/x/" for "/x", and some make "/x/." and "/x/y/.." of it.
        return (exact is null || path.TrimEnd('/').Equals(exact, _comparison))
            && (prefix is null || (path.StartsWith(prefix, _comparison) && (path.Length == prefix.Length || path[prefix.Length] == '/')));
    }

    private bool TakesHost(ReadOnlySpan<char> name)
    {
        foreach (var host in _hosts)
        {
            if (HostName.Matches(host, name))
            {
                return true;
            }
        }

        return false;
    }

    // The operator writes text, the client sends bytes: the same letter must be the same bytes.
    private static string? Bytes(string? text) => text is null ? null : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    // "/api/" and "/api" are one prefix, and "/" is none: in doubt a route takes more.
    private static string? Prefix(string? bytes, Func<string, string> normalize) =>
        bytes is not null && normalize(bytes).TrimEnd('/') is { Length: > 0 } prefix ? prefix : null;
}

/// <summary>Compares host names as routes do: without port, without case, a trailing dot ignored. Stateless; takes any input.</summary>
internal static class HostName
{
    /// <summary>The name in a host field: no port, no brackets round an IPv6 address, no trailing dot.</summary>
    /// <param name="host">What the proxy says the host is, for example <c>Example.org.:8443</c> or <c>[::1]:80</c>.</param>
    public static ReadOnlySpan<char> Of(ReadOnlySpan<char> host)
    {
        if (host is ['[', ..] && host.IndexOf(']') is > 0 and var end)
        {
            return host[1..end];
        }

        // More than one colon without brackets is an IPv6 address that never had a port.
        var colon = host.IndexOf(':');
        var name = colon >= 0 && host.LastIndexOf(':') == colon ? host[..colon] : host;
        return name is [.., '.'] ? name[..^1] : name;
    }

    /// <summary>Whether a name is what a route asks for.</summary>
    /// <param name="pattern">A name as <see cref="Of"/> returns it, or <c>*.</c> and a name: every name below that one, not itself.</param>
    /// <param name="name">A name as <see cref="Of"/> returns it.</param>
    public static bool Matches(string pattern, ReadOnlySpan<char> name) => pattern is ['*', '.', ..]
        ? name.Length > pattern.Length - 1 && name.EndsWith(pattern.AsSpan(1), StringComparison.OrdinalIgnoreCase)
        : name.Equals(pattern, StringComparison.OrdinalIgnoreCase);
}
