using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>Names what enforcing an answer would have done: label values, a bounded set.</summary>
internal static class MonitorLabels
{
    /// <summary>For a piece of a body.</summary>
    /// <param name="verdict">The verdict of a flow with this agent alone.</param>
    /// <param name="isJudged">Whether the agent has decided; when not, it waits for more.</param>
    public static string Of(Verdict verdict, bool isJudged) => verdict switch
    {
        { Cause: not Cause.None } => verdict.Cause.Label(),
        { IsAllow: true } => isJudged ? "would-allow" : "needs-more",
        _ => Of(verdict.Kind),
    };

    /// <summary>For the answer to any other event, read by the same rules as if it counted.</summary>
    public static string Of(AgentEvent message, in AgentReply reply) => reply.Response is not { } response ? reply.Cause.Label()
        : VerdictMerger.KindOf(response.Decision) switch
        {
            not VerdictKind.Allow and var kind => Of(kind),
            _ when message is WebSocketFrameEvent
                && response.WebSocketDecision is { Kind: not WebSocketDecisionKind.Allow } => "would-block",
            _ when message is GuardrailInspectEvent && response.Guardrail is { Detected: true } => "would-block",
            _ => "would-allow",
        };

    private static string Of(VerdictKind kind) => kind switch
    {
        VerdictKind.Redirect => "would-redirect",
        VerdictKind.Challenge => "would-challenge",
        _ => "would-block",
    };
}
