using System.Collections.Frozen;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>Whether the upstream got anything that the agent was not shown.</summary>
internal static class AttackComparison
{
    // What proxies, and their ready configurations, set to words of their own. A client's words in them are no less to be shown.
    private static readonly FrozenSet<string> OfTheProxy = FrozenSet.Create(
        StringComparer.Ordinal,
        "accept-encoding", "connection", "content-length", "transfer-encoding", "via", "x-envoy-expected-rq-timeout-ms", "x-forwarded-for",
        "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto",
        "x-forwarded-server", "x-real-ip", "x-request-id", "x-sidecar-id", "x-sidecar-bypassed");

    /// <summary>The first difference in words; null when there is none.</summary>
    /// <param name="sent">What the client sent.</param>
    /// <param name="shown">What the agent was shown; null for nothing.</param>
    /// <param name="got">What the upstream got.</param>
    /// <param name="withBody">Whether agents are shown bodies here; where not, a body has to be marked.</param>
    public static string? Difference(WireMessage sent, WireMessage? shown, WireMessage got, bool withBody)
    {
        if (shown is null)
        {
            return "the agent was shown nothing";
        }

        if ((shown.Method, shown.Target) != (got.Method, got.Target))
        {
            return $"shown '{shown.Method} {shown.Target}', got '{got.Method} {got.Target}'";
        }

        foreach (var name in got.Headers.Select(static field => field.Name).Distinct())
        {
            if (Hidden(name, sent, shown, got) is { } value)
            {
                return $"header {name}: got '{value}', shown '{Joined(shown, name)}'";
            }
        }

        if (!withBody)
        {
            return got.Body.Length > 0 && !IsMarked(got) ? $"{got.Body.Length} bytes of a body, and no mark" : null;
        }

        return IsMarked(got) ? $"marked {Joined(got, "x-sidecar-bypassed")}"
            : !shown.IsWhole || !shown.Body.AsSpan().SequenceEqual(got.Body)
                ? $"body of {got.Body.Length} bytes, shown {shown.Body.Length}{(shown.IsWhole ? "" : " and more to come")}"
            : null;
    }

    /// <summary>Whether the upstream is told that agents did not see all of a request.</summary>
    public static bool IsMarked(WireMessage got) =>
        got.Values("x-sidecar-bypassed").Concat(got.Values("x-envoy-auth-failure-mode-allowed")).Any(static value => value.Length > 0);

    // The value that was got and not shown.
    private static string? Hidden(string name, WireMessage sent, WireMessage shown, WireMessage got)
    {
        if (Joined(shown, name) == Joined(got, name))
        {
            return null;
        }

        // A server must have a Host: where the client has none a proxy may write its own. What stands behind a body belongs to the body: where that
        // is marked as unseen, so are the trailers.
        if ((name == "host" && sent.Values("host").All(static value => value.Length == 0)) || (name == "trailer" && (IsMarked(got) || IsOfTraefik(got))))
        {
            return null;
        }

        if (!OfTheProxy.Contains(name) && !name.StartsWith("x-envoy-", StringComparison.Ordinal))
        {
            return Joined(got, name);
        }

        // Framing is the proxy's own, and the body is compared.
        return name is "content-length" or "transfer-encoding" or "connection" ? null
            : sent.Values(name).FirstOrDefault(value =>
                value.Length > 0
                && Joined(got, name).Contains(value, StringComparison.Ordinal)
                && !shown.Headers.Any(field => field.Value.Contains(value, StringComparison.Ordinal)));
    }

    // Traefik passes on which trailers were announced, and none of them.
    private static bool IsOfTraefik(WireMessage got) => got.Values("x-forwarded-server").Any();

    // A list in several lines is the same as in one.
    private static string Joined(WireMessage message, string name) => string.Join(", ", message.Values(name));
}
