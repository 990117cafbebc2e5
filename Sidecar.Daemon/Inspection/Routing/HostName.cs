namespace Sidecar.Daemon.Inspection.Routing;

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
