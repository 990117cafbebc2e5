using System.Buffers;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>
/// What a client can send that cannot be inspected (rule 9), whichever proxy passes it on. Stateless; each answer is what is wrong, or
/// null.
/// </summary>
internal static class RequestRules
{
    private static readonly SearchValues<char> SpaceAndControls =
        SearchValues.Create([.. Enumerable.Range(0, 33).Select(static code => (char)code), '\u007f']);

    /// <summary>The headers are more than are inspected.</summary>
    /// <param name="count">Header fields that came.</param>
    /// <param name="bytes">Bytes of their names and values.</param>
    /// <param name="maxCount">Fields that are inspected at most.</param>
    /// <param name="maxBytes">Bytes that are inspected at most.</param>
    public static string? HeaderProblem(long count, long bytes, int maxCount, int maxBytes) =>
        count > maxCount ? $"it has {count} header fields; {maxCount} are inspected at most"
        : bytes > maxBytes ? $"its headers have {bytes} bytes; {maxBytes} are inspected at most"
        : null;

    /// <summary>The method or the target is none.</summary>
    /// <param name="method">The method.</param>
    /// <param name="target">The raw target, a char per byte; null when there is none.</param>
    public static string? LineProblem(string? method, string? target) => MethodProblem(method) ?? TargetProblem(target);

    /// <summary>The method is none.</summary>
    public static string? MethodProblem(string? method) => HeaderRules.IsToken(method) ? null : "its method is no token";

    /// <summary>The target is neither a path nor the asterisk (RFC 9112 §3.2.1, §3.2.4).</summary>
    public static string? TargetProblem(string? target) =>
        target is not (['/', ..] or "*") ? "its target begins neither with a slash nor is it an asterisk" : TargetCharsProblem(target);

    /// <summary>The target holds what no target may hold.</summary>
    public static string? TargetCharsProblem(string? target) =>
        target.AsSpan().ContainsAny(SpaceAndControls) ? "its target holds a space or a control character" : null;

    /// <summary>
    /// Takes scheme and authority off a target in absolute form (RFC 9112 §3.2.2), as a proxy has to before it passes the request on.
    /// </summary>
    /// <param name="method">The method.</param>
    /// <param name="target">The raw target, a char per byte.</param>
    /// <returns>The rest, and the authority; the target itself and null when it is in another form.</returns>
    public static (string Target, string? Authority) OriginForm(string? method, string target)
    {
        var start = target is ['/', ..] ? -1 : target.IndexOf("://", StringComparison.Ordinal) + 3;
        if (start < 3)
        {
            return (target, null);
        }

        var length = target.AsSpan(start).IndexOfAny("/?#");
        var end = length < 0 ? target.Length : start + length;
        var (rest, authority) = (target[end..], target[start..end]);

        // An empty path is the root's (RFC 9110 §4.2.3); without a query too, it is what a proxy asks the server itself about (RFC 9112
        // §3.2.4).
        return rest is "" or ['?', ..] ? (rest.Length == 0 && method == "OPTIONS" ? "*" : "/" + rest, authority) : (rest, authority);
    }

    /// <summary>The authority of a target in absolute form says something that the upstream would not be told, or not the same.</summary>
    /// <param name="authority">The authority; null when the target has none.</param>
    /// <param name="host">The Host header; null when there is none.</param>
    public static string? AuthorityProblem(string? authority, string? host) =>
        authority is null ? null
        : authority.Contains('@') ? "its target holds userinfo before the host"
        : AreOneHost(authority, host) ? null
        : "its Host header names another host than its request line";

    /// <summary>Whether two words for the host mean the same site; one that is not there contradicts nothing.</summary>
    public static bool AreOneHost(string? one, string? other) =>
        string.IsNullOrEmpty(one) || string.IsNullOrEmpty(other)
            || HostName.Of(one).Equals(HostName.Of(other), StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether requests of a method usually have a body.</summary>
    public static bool IsMadeForABody(string method) => method is not ("GET" or "HEAD" or "OPTIONS" or "TRACE" or "CONNECT" or "DELETE");
}
