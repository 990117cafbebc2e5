using System.Text;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Verdicts;

/// <summary>
/// Makes of what an agent said something that can be carried out (spec §5.8). A refusal stays one: a detail that cannot be sent is replaced
/// or left out, and never turns the decision into the agent's failure. Stateless; takes any input, never throws.
/// </summary>
internal static class DecisionRules
{
    /// <summary>Longest body an agent may answer a client with, in bytes of UTF-8: a page, not a download.</summary>
    public const int MaxBodyBytes = 1024 * 1024;

    /// <summary>Longest reason of a WebSocket close, in bytes (RFC 6455 §5.5: 125 with the code).</summary>
    public const int MaxCloseReasonBytes = 123;

    // Policy (RFC 6455 §7.4.1): what a close means that an agent asks for.
    private const ushort PolicyClose = 1008;

    private static readonly BlockDecision Forbidden = new();

    /// <summary>The decision as it can be carried out; the same object when nothing is wrong with it.</summary>
    /// <param name="decision">What the agent said.</param>
    /// <param name="repaired">What was replaced or left out, and why, for the agent's author; null when nothing was.</param>
    public static Decision Fit(Decision decision, out string? repaired)
    {
        repaired = null;
        return decision switch
        {
            BlockDecision block => FitBlock(block, ref repaired),
            RedirectDecision redirect => FitRedirect(redirect, ref repaired),
            ChallengeDecision challenge => ChallengeRules.Fit(challenge, ref repaired),
            _ => decision,
        };
    }

    /// <summary>The decision about a WebSocket frame as it can be carried out: a close is always one.</summary>
    /// <param name="decision">What the agent said; null for nothing.</param>
    /// <param name="repaired">As for <see cref="Fit(Decision, out string?)"/>.</param>
    public static WebSocketDecision? Fit(WebSocketDecision? decision, out string? repaired)
    {
        repaired = null;
        if (decision is not { Kind: WebSocketDecisionKind.Close })
        {
            return decision;
        }

        // RFC 6455 §7.4: 1004 to 1006 and 1015 never stand in a close frame.
        var (code, reason) = (decision.Code, decision.Reason);
        if (code is not ((>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999)))
        {
            Add(ref repaired, $"close code {code} cannot be sent; 1000 to 1003, 1007 to 1014 and 3000 to 4999 can (RFC 6455 §7.4); "
                + $"{PolicyClose} is sent");
            code = PolicyClose;
        }

        if (Encoding.UTF8.GetByteCount(reason) is > MaxCloseReasonBytes and var bytes)
        {
            Add(ref repaired, $"close reason has {bytes} bytes; at most {MaxCloseReasonBytes} are allowed; it is left out");
            reason = "";
        }

        return repaired is null ? decision : WebSocketDecision.Close(code, reason);
    }

    /// <summary>A body as it can be sent; null, for the page of the status, when it is too long.</summary>
    internal static string? FitBody(string what, string? body, ref string? repaired)
    {
        if (body is null || Encoding.UTF8.GetByteCount(body) is not (> MaxBodyBytes and var bytes))
        {
            return body;
        }

        Add(ref repaired, $"{what} body has {bytes} bytes; at most {MaxBodyBytes} are allowed; the page of its status is sent");
        return null;
    }

    /// <summary>Notes a repair. Only the first few are told; one answer cannot make a line of any length.</summary>
    internal static void Add(ref string? repaired, string what)
    {
        const int Longest = 512;
        repaired = repaired is null ? what : repaired.Length > Longest ? repaired : $"{repaired}; {what}";
    }

    private static BlockDecision FitBlock(BlockDecision block, ref string? repaired)
    {
        var status = block.Status;
        if (status is not (>= 200 and <= 599))
        {
            Add(ref repaired, $"block status {status} is no final status; 200 to 599 are; {Forbidden.Status} is sent");
            status = Forbidden.Status;
        }

        var headers = FitHeaders(block.Headers, ref repaired);
        var body = FitBody("block", block.Body, ref repaired);
        return repaired is null ? block : new BlockDecision(status, body, headers);
    }

    private static Dictionary<string, string>? FitHeaders(IReadOnlyDictionary<string, string>? headers, ref string? repaired)
    {
        if (headers is null)
        {
            return null;
        }

        var kept = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in headers)
        {
            if ((HeaderRules.NameError(name) ?? HeaderRules.ValueError(name, value)) is { } error)
            {
                Add(ref repaired, $"block: {error}; it is left out");
            }
            else if (kept.Count == HeaderRules.MaxOperations)
            {
                Add(
                    ref repaired,
                    $"block has {headers.Count} headers; at most {HeaderRules.MaxOperations} are allowed; the others are left out");
                break;
            }
            else
            {
                kept[name] = value;
            }
        }

        return kept;
    }

    // Whoever sent the client elsewhere did not let the request pass, so an unusable target is a plain refusal.
    private static Decision FitRedirect(RedirectDecision redirect, ref string? repaired)
    {
        var url = redirect.Url.Trim();
        if (HeaderRules.TextError(url, HeaderRules.MaxValueBytes) is { } error)
        {
            Add(ref repaired, $"redirect url {error}; {Forbidden.Status} is sent");
            return Forbidden;
        }

        if (!LeadsToTheWeb(url))
        {
            Add(ref repaired, $"redirect url '{HeaderRules.Echo(url)}' is no http:// or https:// address with a host and no path; "
                + $"{Forbidden.Status} is sent");
            return Forbidden;
        }

        if (redirect.Status is 301 or 302 or 303 or 307 or 308)
        {
            return url.Length == redirect.Url.Length ? redirect : redirect with { Url = url };
        }

        Add(ref repaired, $"redirect status {redirect.Status} is not one of 301, 302, 303, 307, 308; 302 is sent");
        return new RedirectDecision(url);
    }

    // A reference without a scheme (RFC 3986 §4.2) stays on the web; a colon before any of / ? # ends a scheme.
    private static bool LeadsToTheWeb(string url)
    {
        var mark = url.AsSpan().IndexOfAny(":/?#");
        return url.Length > 0 && (mark < 0 || url[mark] != ':' || HasHostAfter(url, "http://") || HasHostAfter(url, "https://"));
    }

    private static bool HasHostAfter(string url, string scheme) =>
        url.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)
        && url.Length > scheme.Length
        && url[scheme.Length] is not ('/' or '\\' or '?' or '#' or ':');
}
