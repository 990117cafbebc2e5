using System.Globalization;
using System.Text;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>Which decisions can be carried out (proxy integration §6.3). Stateless; takes any input, never throws.</summary>
internal static class DecisionRules
{
    /// <summary>Longest body an agent may answer a client with, in bytes of UTF-8: a page, not a download.</summary>
    public const int MaxBodyBytes = 1024 * 1024;

    /// <summary>Longest reason of a WebSocket close, in bytes (RFC 6455 §5.5: 125 with the code).</summary>
    public const int MaxCloseReasonBytes = 123;

    /// <summary>The parameter of a challenge that chooses the status instead of 401.</summary>
    public const string StatusParameter = "status";

    /// <summary>The parameter of a challenge that is the body.</summary>
    public const string BodyParameter = "body";

    /// <summary>Why a decision cannot be carried out, or null when it can.</summary>
    public static string? Error(Decision decision) => decision switch
    {
        BlockDecision block => BlockError(block),
        RedirectDecision redirect => RedirectError(redirect),
        ChallengeDecision challenge => ChallengeError(challenge),
        _ => null,
    };

    /// <summary>Why a WebSocket decision cannot be carried out, or null when it can.</summary>
    public static string? Error(WebSocketDecision? decision)
    {
        if (decision is not { Kind: WebSocketDecisionKind.Close })
        {
            return null;
        }

        // RFC 6455 §7.4: 1004 to 1006 and 1015 never stand in a close frame.
        if (decision.Code is not ((>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999)))
        {
            return $"close code {decision.Code} cannot be sent; 1000 to 1003, 1007 to 1014 and 3000 to 4999 can (RFC 6455 §7.4)";
        }

        var bytes = Encoding.UTF8.GetByteCount(decision.Reason);
        return bytes > MaxCloseReasonBytes ? $"close reason has {bytes} bytes; at most {MaxCloseReasonBytes} are allowed" : null;
    }

    /// <summary>Whether a redirect may have this status: 301, 302, 303, 307 or 308.</summary>
    public static bool IsRedirectStatus(int status) => status is 301 or 302 or 303 or 307 or 308;

    /// <summary>Whether a final answer of HTTP may have this status: 200 to 599.</summary>
    public static bool IsReplyStatus(int status) => status is >= 200 and <= 599;

    /// <summary>Whether a challenge may have this status: 401, 403 or 429.</summary>
    public static bool IsChallengeStatus(int status) => status is 401 or 403 or 429;

    /// <summary>The status that a challenge's parameters choose: 401 without a choice, null for one that is not allowed.</summary>
    public static int? ChallengeStatus(IReadOnlyDictionary<string, string> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return !parameters.TryGetValue(StatusParameter, out var text) ? 401
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var status) && IsChallengeStatus(status) ? status
            : null;
    }

    private static string? BlockError(BlockDecision block)
    {
        if (!IsReplyStatus(block.Status))
        {
            return $"block status {block.Status} is no final status; 200 to 599 are allowed";
        }

        if (block.Headers is { Count: > HeaderRules.MaxOperations } many)
        {
            return $"block has {many.Count} headers; at most {HeaderRules.MaxOperations} are allowed";
        }

        foreach (var (name, value) in block.Headers ?? EmptyMap.OfStrings)
        {
            if ((HeaderRules.NameError(name) ?? HeaderRules.ValueError(name, value)) is { } error)
            {
                return $"block: {error}";
            }
        }

        return BodyError("block", block.Body);
    }

    private static string? RedirectError(RedirectDecision redirect)
    {
        if (!IsRedirectStatus(redirect.Status))
        {
            return $"redirect status {redirect.Status} is not one of 301, 302, 303, 307, 308";
        }

        if (HeaderRules.TextError(redirect.Url, HeaderRules.MaxValueBytes) is { } error)
        {
            return $"redirect url {error}";
        }

        return IsWebAddress(redirect.Url)
            ? null
            : $"redirect url '{HeaderRules.Echo(redirect.Url)}' begins neither with http:// or https:// and a host, nor with /";
    }

    private static bool IsWebAddress(string url) => url.StartsWith('/') || HasHostAfter(url, "http://") || HasHostAfter(url, "https://");

    private static bool HasHostAfter(string url, string scheme) =>
        url.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)
        && url.Length > scheme.Length
        && url[scheme.Length] is not ('/' or '\\' or '?' or '#' or ':');

    private static string? ChallengeError(ChallengeDecision challenge)
    {
        if (!HeaderRules.IsToken(challenge.ChallengeType) || challenge.ChallengeType.Length > HeaderRules.MaxNameLength)
        {
            return $"challenge type '{HeaderRules.Echo(challenge.ChallengeType)}' is no token of 1 to {HeaderRules.MaxNameLength} characters";
        }

        if (ChallengeStatus(challenge.Parameters) is null)
        {
            return $"challenge status '{HeaderRules.Echo(challenge.Parameters[StatusParameter])}' is not one of 401, 403, 429";
        }

        // All parameters end up in one header.
        long total = challenge.ChallengeType.Length;
        foreach (var (name, value) in challenge.Parameters)
        {
            if (name == BodyParameter)
            {
                continue;
            }

            if (!HeaderRules.IsToken(name))
            {
                return $"challenge parameter name '{HeaderRules.Echo(name)}' is no token (RFC 9110 §5.6.2)";
            }

            if (HeaderRules.ValueError(name, value) is { } error)
            {
                return $"challenge: {error}";
            }

            total += name.Length + Encoding.UTF8.GetByteCount(value);
        }

        return total > HeaderRules.MaxValueBytes
            ? $"challenge parameters have {total} bytes; at most {HeaderRules.MaxValueBytes} are allowed, for they become one header"
            : BodyError("challenge", challenge.Parameters.GetValueOrDefault(BodyParameter));
    }

    private static string? BodyError(string what, string? body) => body is not null && Encoding.UTF8.GetByteCount(body) is > MaxBodyBytes and var bytes
        ? $"{what} body has {bytes} bytes; at most {MaxBodyBytes} are allowed"
        : null;
}
