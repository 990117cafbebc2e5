using System.Buffers;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>What makes a message one that cannot be inspected. Stateless; errors say what was seen and what to do.</summary>
internal static class SpopRules
{
    /// <summary>Longest id of a transaction, in chars: what anybody uses fits into it, and 50,000 of them are kept.</summary>
    public const int MaxId = 256;

    private static readonly SearchValues<char> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>A fault of HAProxy's configuration, which no client can cause; null for none.</summary>
    public static string? Misconfiguration(SpopFacts facts, SpopPhase phase, SpopListenerOptions options) =>
        facts.Misconfigured is { } said ? said
        : phase == SpopPhase.None ? "the NOTIFY has no message named sidecar-request, sidecar-request-head, sidecar-response or sidecar-response-head; name the spoe-message so"
        : options.HasResponsePhase && facts.Id is null ? "the argument id is missing or empty; write id=unique-id and set unique-id-format, or response=no on the listener"
        : facts.Id?.Length > MaxId ? $"the argument id has {facts.Id.Length} characters; at most {MaxId} are taken; use uuid()"
        : !facts.AreHeadersTold ? "the argument headers is missing; write headers=req.hdrs_bin or headers=res.hdrs_bin"
        : phase == SpopPhase.Response ? (facts.Status is not (>= 100 and <= 999) ? "the argument status is missing or no status; write status=status" : null)
        : facts.Method is null ? "the argument method is missing; write method=method"
        : !facts.IsTargetTold ? "the argument path is missing; write path=path query=query"
        : null;

    /// <summary>What a client, or an upstream, has sent that cannot be inspected (rule 9); null when it can.</summary>
    public static string? Problem(SpopFacts facts, SpopPhase phase, SpopListenerOptions options)
    {
        if (facts.HeaderCount > options.MaxHeaders)
        {
            return $"it has {facts.HeaderCount} header fields; {options.MaxHeaders} are inspected at most";
        }

        if (facts.HeaderBytes > options.MaxHeaderBytes)
        {
            return $"its headers have {facts.HeaderBytes} bytes; {options.MaxHeaderBytes} are inspected at most";
        }

        return phase == SpopPhase.Request ? RequestProblem(facts) : null;
    }

    private static string? RequestProblem(SpopFacts facts)
    {
        if (facts.Method!.Length == 0 || facts.Method.AsSpan().ContainsAnyExcept(Token))
        {
            return "its method is no token";
        }

        if (facts.Target is not { Length: > 0 } target || (target[0] != '/' && target != "*"))
        {
            return "its target begins neither with a slash nor is it an asterisk";
        }

        if (target.AsSpan().ContainsAnyInRange('\0', ' ') || target.Contains('\u007f', StringComparison.Ordinal))
        {
            return "its target holds a space or a control character";
        }

        return HaveOneHost(facts) ? null : "it has Host headers that name different hosts";
    }

    private static bool HaveOneHost(SpopFacts facts)
    {
        var headers = facts.Headers;
        var first = headers.IndexOf("host"u8);
        if (first < 0 || headers.NextOfName(first) < 0)
        {
            return true;
        }

        var name = HostName.Of(WireText.Of(headers.Value(first))).ToString();
        for (var next = headers.NextOfName(first); next >= 0; next = headers.NextOfName(next))
        {
            if (!HostName.Of(WireText.Of(headers.Value(next))).Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }
        }

        return true;
    }
}
