using System.Text.Json;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.AgentProtocol;

/// <summary>A verdict as an answer of the agent protocol.</summary>
internal static class VerdictResponse
{
    /// <summary>The answer that a verdict is; what happens to body bytes is <see cref="NativeBody"/>'s to say.</summary>
    public static AgentResponse From(Verdict verdict)
    {
        if (ReferenceEquals(verdict, Verdict.Allow))
        {
            return AgentResponse.Allow;
        }

        if (verdict is { Kind: VerdictKind.FailedClosed, Audits.Count: 0 })
        {
            return Refused(verdict.Cause);
        }

        return new AgentResponse
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
    }

    /// <summary>The answer where the daemon itself refuses.</summary>
    public static AgentResponse Refused(Cause cause) => new()
    {
        Decision = Refusal(cause),
        Audit = new AuditMetadata { ReasonCodes = [cause.Label()] },
    };

    // As the reference answers (spec §5.7).
    private static BlockDecision Refusal(Cause cause) => new(
        cause switch
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
