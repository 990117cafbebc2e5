using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>Collects what the agents of a route say about one event and merges it by precedence (rule 2). For one event, one caller at a time.</summary>
/// <remarks>Agents may answer in any order; they are merged in route order.</remarks>
internal sealed class VerdictMerger(Exchange exchange, AgentEvent message)
{
    private readonly List<Statement> _statements = [];
    private readonly EventKind _kind = EventKinds.Of(message.Type);
    private readonly Direction _direction = DirectionOf(message);

    /// <summary>Whether the verdict can no longer become milder or matter to others: a block or a failed-closed ends the wait.</summary>
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
    public void Add(Participant participant, int order, in CallResult result)
    {
        var (response, cause) = Read(result);
        if (response is null)
        {
            Fail(participant, order, cause);
            return;
        }

        participant.Note(_direction, LedgerState.Inspected);
        if (!participant.Decides(_kind) || ReferenceEquals(response, AgentResponse.Allow))
        {
            return;
        }

        var provisional = response.NeedsMore && message is BodyChunkEvent { IsLast: false };
        var kind = provisional ? VerdictKind.Allow : KindOf(response.Decision);
        _statements.Add(new Statement(order, participant.Agent, kind, response, provisional, Cause.None));
        Mutation = (_direction == Direction.Request ? response.RequestBodyMutation : response.ResponseBodyMutation) ?? Mutation;
        Ends |= kind == VerdictKind.Block || (message is not RequestHeadersEvent && kind != VerdictKind.Allow) || response.WebSocketDecision is { Kind: not WebSocketDecisionKind.Allow };
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
            WebSocket = message is WebSocketFrameEvent ? WebSocketOf(winner) : null,
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

    // An answer is applied whole or not at all (rule 5), so a bad one counts as none.
    private static (AgentResponse? Response, Cause Cause) Read(in CallResult result)
    {
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

        return HeaderRules.TryValidate(response, out _) ? (response, Cause.None) : (null, Cause.BadAnswer);
    }

    private void Fail(Participant participant, int order, Cause cause)
    {
        if (cause == Cause.Decided)
        {
            var abandoned = exchange.AbandonedFor;
            participant.Note(_direction, LedgerState.Abandoned, abandoned == Cause.None ? Cause.Decided : abandoned);
            return;
        }

        var open = participant.Session.Policy.FailureMode == FailureMode.Open;
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

    // Everything any guardrail found; a redirect or challenge counts like a block (spec §5.5).
    private GuardrailResponse Guardrails()
    {
        var found = _statements
            .Where(static statement => statement.Response is not null)
            .Select(static statement => statement.Response!.Guardrail ?? GuardrailResponse.FromDecision(statement.Response.Decision))
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
