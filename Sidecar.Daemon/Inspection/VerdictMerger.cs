using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>Collects what the agents of a route say about one event and merges it by precedence (rule 2). For one event, one caller at a time.</summary>
/// <remarks>Agents may answer in any order; they are merged in route order.</remarks>
internal sealed class VerdictMerger(Exchange exchange, AgentEvent message)
{
    private static readonly GuardrailResponse Unheard = new()
    {
        Detected = true,
        Confidence = 1,
        Detections =
        [
            new GuardrailDetection
            {
                Category = "inspection_unavailable",
                Description = "a guardrail that must be heard could not be",
                Severity = GuardrailSeverity.High,
                Confidence = 1,
            },
        ],
    };

    private readonly List<Statement> _statements = [];
    private readonly EventKind _kind = EventKinds.Of(message.Type);
    private readonly Direction _direction = DirectionOf(message);

    /// <summary>Whether no other agent need be heard: a block or a failed-closed ends the wait, and where agents pass a piece on, so does whatever stops it.</summary>
    public bool Ends { get; private set; }

    /// <summary>The body piece as the agents so far left it; null when nobody changed it.</summary>
    public BodyMutation? Mutation { get; private set; }

    /// <summary>Which half of the exchange an event belongs to.</summary>
    public static Direction DirectionOf(AgentEvent message) => message switch
    {
        ResponseHeadersEvent or ResponseBodyChunkEvent or WebSocketFrameEvent { ClientToServer: false } => Direction.Response,
        GuardrailInspectEvent { InspectionType: GuardrailInspectionType.PiiDetection } => Direction.Response,
        _ => Direction.Request,
    };

    /// <summary>Takes an agent's result: applies the failure mode, keeps the ledger.</summary>
    /// <param name="participant">The agent.</param>
    /// <param name="order">Its place on the route.</param>
    /// <param name="result">What came of the call.</param>
    /// <returns>What was wrong with an answer that counts as a failure, for the agent's author; null otherwise.</returns>
    public string? Add(Participant participant, int order, in CallResult result)
    {
        var (response, cause) = Read(result, out var error);
        if (response is null)
        {
            Fail(participant, order, cause);
            return error;
        }

        participant.NoteInspected(message, _kind);
        if (!participant.Decides(_kind) || ReferenceEquals(response, AgentResponse.Allow))
        {
            return null;
        }

        var provisional = IsProvisional(message, response);
        var kind = provisional ? VerdictKind.Allow : KindOf(response.Decision);
        _statements.Add(new Statement(order, participant.Agent, kind, response, provisional, Cause.None));
        var mutation = _direction == Direction.Request ? response.RequestBodyMutation : response.ResponseBodyMutation;

        // No data passes what the agent was shown, which an earlier agent may have changed.
        Mutation = mutation is { Data: not null } ? mutation : Mutation;
        Ends |= message switch
        {
            WebSocketFrameEvent => kind != VerdictKind.Allow || response.WebSocketDecision is { Kind: not WebSocketDecisionKind.Allow },
            BodyChunkEvent => kind != VerdictKind.Allow,
            _ => kind == VerdictKind.Block,
        };
        return null;
    }

    /// <summary>The merge of what has been said.</summary>
    public Verdict ToVerdict()
    {
        if (_statements.Count == 0)
        {
            return Verdict.Allow;
        }

        _statements.Sort(static (a, b) => a.Order.CompareTo(b.Order));
        var winner = _statements.MaxBy(static statement => statement.Kind)!;
        var bypassed = _statements.FirstOrDefault(static statement => statement.Cause != Cause.None);
        var allows = _statements.Where(static statement => statement is { Kind: VerdictKind.Allow, Response: not null }).ToList();
        return new Verdict
        {
            Kind = winner.Kind,
            Decision = winner.Kind == VerdictKind.Allow ? null : winner.Response?.Decision,
            DecidedBy = winner.Kind == VerdictKind.Allow ? null : winner.Agent,
            Cause = winner.Kind == VerdictKind.FailedClosed ? winner.Cause : bypassed?.Cause ?? Cause.None,
            RequestHeaders = HeaderEdits.Fold(allows.Select(static statement => statement.Response!.RequestHeaders)),
            ResponseHeaders = HeaderEdits.Fold(allows.Select(static statement => statement.Response!.ResponseHeaders)),
            NeedsMore = _statements.Exists(static statement => statement.Provisional),
            BodyMutation = Mutation,
            WebSocket = message is WebSocketFrameEvent ? _statements.Select(WebSocketOf).MaxBy(static decision => decision.Kind) : null,
            Guardrail = message is GuardrailInspectEvent ? Guardrails() : null,
            RoutingMetadata = Routing(allows),
            Audits = [.. _statements.Select(static statement => new AgentAudit(statement.Agent, statement.Said, statement.Response?.Audit ?? AuditMetadata.Empty))],
        };
    }

    /// <summary>What an answer comes to in the order of precedence.</summary>
    public static VerdictKind KindOf(Decision decision) => decision switch
    {
        BlockDecision => VerdictKind.Block,
        ChallengeDecision => VerdictKind.Challenge,
        RedirectDecision => VerdictKind.Redirect,
        _ => VerdictKind.Allow,
    };

    /// <summary>Whether an answer only asks for more of the body. The last piece ends that, whatever the agent says (rule 12).</summary>
    public static bool IsProvisional(AgentEvent message, AgentResponse response) => response.NeedsMore && message is BodyChunkEvent { IsLast: false };

    /// <summary>The answer when it counts, else the cause of the failure: an answer is applied whole or not at all (rule 5), so a bad one counts as none.</summary>
    public static (AgentResponse? Response, Cause Cause) Read(in CallResult result, out string? error)
    {
        error = null;
        if (result.Response is not { } response)
        {
            return (null, Causes.Of(result.Outcome));
        }

        if (ReferenceEquals(response, AgentResponse.Allow))
        {
            return (response, Cause.None);
        }

        if (ReasonCodes.IsFailure(response))
        {
            return (null, Cause.AgentError);
        }

        return HeaderRules.TryValidate(response, out error) ? (response, Cause.None) : (null, Cause.BadAnswer);
    }

    private void Fail(Participant participant, int order, Cause cause)
    {
        if (cause == Cause.Decided)
        {
            var abandoned = exchange.AbandonedFor;
            cause = abandoned == Cause.None ? Cause.Decided : abandoned;
            participant.Note(_direction, LedgerState.Abandoned, cause);
            if (!Ends)
            {
                // Cancelled, but not by a decision on this event: nobody said that it may pass.
                _statements.Add(new Statement(order, participant.Agent, VerdictKind.FailedClosed, null, false, cause));
                Ends = true;
            }

            return;
        }

        var open = participant.Session.Policy.FailureModeFor(cause) == FailureMode.Open;
        participant.Note(_direction, open ? LedgerState.Bypassed : LedgerState.Refused, cause);
        _statements.Add(new Statement(order, participant.Agent, open ? VerdictKind.Allow : VerdictKind.FailedClosed, null, false, cause));
        Ends |= !open;
    }

    private static WebSocketDecision WebSocketOf(Statement winner) => winner switch
    {
        { Response.WebSocketDecision: { } said } => said,
        { Kind: VerdictKind.Allow } => WebSocketDecision.Allow,
        { Kind: VerdictKind.FailedClosed } => WebSocketDecision.Close(1011, "inspection unavailable"),
        _ => WebSocketDecision.Close(1008, "policy"),
    };

    // Everything any guardrail found; a redirect or challenge counts like a block (spec §5.5). The asker looks at the findings first, so one that
    // had to be heard and was not must be a finding too.
    private GuardrailResponse Guardrails()
    {
        var found = _statements
            .Where(static statement => statement.Response is not null || statement.Kind == VerdictKind.FailedClosed)
            .Select(static statement => statement.Response is { } response ? response.Guardrail ?? GuardrailResponse.FromDecision(response.Decision) : Unheard)
            .ToList();
        return found.Count == 1 ? found[0] : new GuardrailResponse
        {
            Detected = found.Exists(static one => one.Detected),
            Confidence = found.Count == 0 ? 0 : found.Max(static one => one.Confidence),
            Detections = [.. found.SelectMany(static one => one.Detections)],
            RedactedContent = found.LastOrDefault(static one => one.RedactedContent is not null)?.RedactedContent,
        };
    }

    private static Dictionary<string, string>? Routing(List<Statement> allows)
    {
        Dictionary<string, string>? merged = null;
        foreach (var (key, value) in allows.SelectMany(static statement => statement.Response!.RoutingMetadata))
        {
            (merged ??= new(StringComparer.Ordinal))[key] = value;
        }

        return merged;
    }

    private sealed record Statement(int Order, string Agent, VerdictKind Kind, AgentResponse? Response, bool Provisional, Cause Cause)
    {
        public string Said => Response is null ? Cause.Label() : Kind.ToString().ToLowerInvariant();
    }
}
