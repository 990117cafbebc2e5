using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>
/// What makes a message one that cannot be inspected; errors say what was seen and what to do. Safe for many messages at once.
/// </summary>
internal sealed class SpopRules(SpopListenerOptions options, LogThrottle throttle, ILogger logger)
{
    /// <summary>Longest id of a transaction, in chars: what anybody uses fits into it, and 50,000 of them are kept.</summary>
    public const int MaxId = 256;

    /// <summary>What is refused without asking anybody; null when it can be inspected.</summary>
    public Verdict? Refusal(NotifyRequest request, Exchange exchange)
    {
        if (request.Refused is { } cause)
        {
            return exchange.Refuse(cause);
        }

        var args = request.Arguments;
        if ((Misconfiguration(args, request.Phase) ?? UnknownRoute(args, exchange)) is { } fault)
        {
            if (throttle.MayLog("misconfigured", out var more))
            {
                Log.Misconfigured(logger, options.Name, fault, more);
            }

            return exchange.Refuse(Cause.Malformed);
        }

        if (Problem(args, request.Phase) is { } problem)
        {
            Log.Malformed(logger, args.Id, exchange.Id.ToString(), problem);
            return exchange.Refuse(Cause.Malformed);
        }

        return args.IsBodyLost ? exchange.Refuse(Cause.BodyMemory) : null;
    }

    private static string? UnknownRoute(NotifyArguments args, Exchange exchange) => args.Route is { } route && exchange.Route?.Id != route
        ? $"the argument route names '{HeaderRules.Echo(route)}', which no --route defines"
        : null;

    // A fault of HAProxy's configuration, which no client can cause.
    private string? Misconfiguration(NotifyArguments args, SpopPhase phase) =>
        args.Misconfigured is { } said ? said
        : phase == SpopPhase.None
            ? "the NOTIFY has no message named sidecar-request, sidecar-request-head, sidecar-response or sidecar-response-head; name the "
            + "spoe-message so"
        : options.HasResponsePhase && args.Id is null
            ? "the argument id is missing or empty; write id=unique-id and set unique-id-format, or response=no on the listener"
        : args.Id?.Length > MaxId ? $"the argument id has {args.Id.Length} characters; at most {MaxId} are taken; use uuid()"
        : !args.AreHeadersTold ? "the argument headers is missing; write headers=req.hdrs_bin or headers=res.hdrs_bin"
        : phase == SpopPhase.Response
            ? (args.Status is not (>= 100 and <= 999) ? "the argument status is missing or no status; write status=status" : null)
        : args.Method is null ? "the argument method is missing; write method=method"
        : args.RawTarget is null
            ? "the argument uri is missing; write uri=url, instead of path and query, which tell less of the request line than the "
            + "upstream gets"
        : args.IsWhole is null || args.Held is null
            ? "the argument whole or len is missing; write whole=internal.htx.has_eom len=req.len, by which a body that was cut is known"
        : null;

    // What a client, or an upstream, has sent that cannot be inspected (rule 9).
    private string? Problem(NotifyArguments args, SpopPhase phase) =>
        RequestRules.HeaderProblem(args.HeaderCount, args.HeaderBytes, options.MaxHeaders, options.MaxHeaderBytes)
        ?? (phase == SpopPhase.Request ? RequestProblem(args) : null);

    private static string? RequestProblem(NotifyArguments args) =>
        RequestRules.LineProblem(args.Method!, args.Target)
        ?? RequestRules.AuthorityProblem(args.Authority, args.Header("host"u8))
        ?? (HaveOneHost(args) ? null : "it has Host headers that name different hosts");

    private static bool HaveOneHost(NotifyArguments args)
    {
        var headers = args.Headers;
        var first = headers.IndexOf("host"u8);
        for (var next = first < 0 ? first : headers.NextOfName(first); next >= 0; next = headers.NextOfName(next))
        {
            var (name, other) = (WireText.Of(headers.Value(first)), WireText.Of(headers.Value(next)));
            if (!HostName.Of(other).Equals(HostName.Of(name), StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }
        }

        return true;
    }
}
