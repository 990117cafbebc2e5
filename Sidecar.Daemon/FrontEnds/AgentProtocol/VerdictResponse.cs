using System.Text.Json;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.AgentProtocol;

/// <summary>A verdict as an answer of the agent protocol.</summary>
internal static class VerdictResponse
{
    /// <summary>The answer that a verdict is; what happens to body bytes is <see cref="NativeBody"/>'s to say.</summary>
    public static AgentResponse From(Verdict verdict) =>
        ReferenceEquals(verdict, Verdict.Allow) ? AgentResponse.Allow
        : verdict is { Kind: VerdictKind.FailedClosed, Audits.Count: 0 } ? Refused(verdict.Cause)
        : new AgentResponse
        {
            Decision = verdict.Kind switch
            {
                VerdictKind.Allow => Decision.Allow,
                VerdictKind.FailedClosed => Refusal(verdict.Cause),
                _ => verdict.Decision!,
            },
            RequestHeaders = Operations(verdict.RequestHeaders),
            ResponseHeaders = Operations(verdict.ResponseHeaders),
            RoutingMetadata = verdict.RoutingMetadata ?? new Dictionary<string, string>(StringComparer.Ordinal),
            WebSocketDecision = verdict.WebSocket,
            Guardrail = verdict.Guardrail,
            Audit = AuditOf(verdict),
        };

    /// <summary>The answer where the daemon itself refuses.</summary>
    public static AgentResponse Refused(Cause cause) => new()
    {
        Decision = Refusal(cause),
        Audit = new AuditMetadata { ReasonCodes = [cause.Label()] },
    };

    /// <summary>
    /// The answer to a text with a reason code where no agent inspects texts: "clean" and "nobody looked" would be the same otherwise.
    /// </summary>
    public static AgentResponse NameUnheard(Exchange exchange, AgentResponse answer) =>
        answer.Decision == Decision.Allow && !exchange.Wants(EventKind.GuardrailInspect)
            ? answer with { Audit = answer.Audit with { ReasonCodes = [.. answer.Audit.ReasonCodes, "nobody-inspected"] } }
            : answer;

    /// <summary>
    /// The answer to a request with the removal of headers that have our names: what agents are not shown does not go on either, if the
    /// asker does as it is told.
    /// </summary>
    public static AgentResponse RemoveOwn(HeaderBlock headers, AgentResponse answer) =>
        answer.Decision == Decision.Allow && HeaderNames.OwnIn(headers) is { Count: > 0 } own
            ? answer with { RequestHeaders = [.. own.Select(HeaderOperation.Remove), .. answer.RequestHeaders] }
            : answer;

    // As the reference answers (spec §5.7).
    private static BlockDecision Refusal(Cause cause) => new(cause switch
    {
        Cause.Timeout => 504,
        Cause.TooLarge or Cause.Truncated or Cause.BodyUnfinished => 413,
        Cause.NoRoute => 403,
        _ => 503,
    });

    private static List<HeaderOperation> Operations(IReadOnlyList<HeaderEdit> edits) =>
        [.. edits.SelectMany(static edit => edit.Operations())];

    // The words of all agents, and who said what, so that the asker's own audit log is complete.
    private static AuditMetadata AuditOf(Verdict verdict)
    {
        var custom = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var audit in verdict.Audits)
        {
            foreach (var (key, value) in audit.Audit.Custom)
            {
                custom[key] = value;
            }
        }

        return new AuditMetadata
        {
            Tags = [.. verdict.Audits.SelectMany(static audit => audit.Audit.Tags)],
            RuleIds = [.. verdict.Audits.SelectMany(static audit => audit.Audit.RuleIds)],
            ReasonCodes =
            [
                .. verdict.Audits.SelectMany(static audit => audit.Audit.ReasonCodes),
                .. verdict.Audits.Select(static audit => $"{audit.Agent}:{audit.Said}"),
            ],
            Confidence = verdict.Audits.Max(static audit => audit.Audit.Confidence),
            Custom = custom,
        };
    }
}
