using System.Runtime.InteropServices;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Verdicts;

/// <summary>
/// Collects what the agents of a route say about one event, or about one piece of a body, and merges it by precedence (rule 2). For one
/// caller at a time.
/// </summary>
/// <remarks>Agents may answer in any order; they are merged in route order.</remarks>
internal sealed class VerdictMerger(Exchange exchange, EventKind kind, Direction direction)
{
    private readonly List<Statement> _statements = [];
    private List<AnswerError>? _errors;

    /// <summary>For one event.</summary>
    public VerdictMerger(Exchange exchange, AgentEvent message) : this(exchange, EventKinds.Of(message.Type), DirectionOf(message))
    {
    }

    /// <summary>
    /// Whether no other agent need be heard: a block or a failed-closed ends the wait, and where agents pass a piece on, so does whatever
    /// stops it.
    /// </summary>
    public bool Ends { get; private set; }

    /// <summary>Whether all that has been said lets the event pass.</summary>
    public bool IsAllow => _statements.TrueForAll(static statement => statement.Kind == VerdictKind.Allow);

    /// <summary>What was wrong with answers, for the authors of the agents.</summary>
    public ReadOnlySpan<AnswerError> Errors => CollectionsMarshal.AsSpan(_errors);

    /// <summary>Which half of the exchange an event belongs to.</summary>
    public static Direction DirectionOf(AgentEvent message) => message switch
    {
        ResponseHeadersEvent or ResponseBodyChunkEvent or WebSocketFrameEvent { ClientToServer: false } => Direction.Response,
        GuardrailInspectEvent { InspectionType: GuardrailInspectionType.PiiDetection } => Direction.Response,
        _ => Direction.Request,
    };

    /// <summary>Forgets all that has been said: what comes is about another piece of the same body.</summary>
    public void Clear()
    {
        _statements.Clear();
        _errors?.Clear();
        Ends = false;
    }

    /// <summary>Takes an agent's result: applies the failure mode, keeps the ledger.</summary>
    /// <param name="participant">The agent.</param>
    /// <param name="order">Its place on the route.</param>
    /// <param name="message">What it was asked.</param>
    /// <param name="reply">What came of it.</param>
    /// <returns>The answer when it counts; null when the agent could not be heard.</returns>
    public AgentResponse? Add(Participant participant, int order, AgentEvent message, in AgentReply reply)
    {
        Note(participant, reply.Error, isFailure: reply.Response is null);
        if (reply.Response is not { } response)
        {
            Fail(participant, order, reply.Cause);
            return null;
        }

        participant.NoteInspected(message, kind);
        if (!participant.Decides(kind) || ReferenceEquals(response, AgentResponse.Allow))
        {
            return response;
        }

        var said = IsProvisional(message, response) ? VerdictKind.Allow : KindOf(response.Decision);
        _statements.Add(new Statement(order, participant.Agent, said, response, Cause.None));
        Ends |= message switch
        {
            WebSocketFrameEvent => said != VerdictKind.Allow || response.WebSocketDecision is { Kind: not WebSocketDecisionKind.Allow },
            BodyChunkEvent => said != VerdictKind.Allow,
            _ => said == VerdictKind.Block,
        };
        return response;
    }

    /// <summary>An answer counts, but a part of it can have no effect.</summary>
    public void NoteError(Participant participant, string error) => Note(participant, error, isFailure: false);

    /// <summary>The agent's excess action refuses a body that it cannot see whole.</summary>
    public void Refuse(Participant participant, int order, Cause cause) => Fail(participant, order, cause, open: false);

    /// <summary>The agent's excess action lets a body pass that it cannot see whole.</summary>
    public void Bypass(Participant participant, int order, Cause cause) => Fail(participant, order, cause, open: true);

    /// <summary>The agent was not asked; its failure mode says what that means.</summary>
    public void PassBy(Participant participant, int order, Cause cause) =>
        Fail(participant, order, cause, participant.Session.Policy.FailureModeFor(cause, direction == Direction.Response) == FailureMode.Open);

    /// <summary>The agent judged the part of a body that it could see.</summary>
    public void Partly(Participant participant, int order, Cause cause)
    {
        participant.Note(direction, LedgerState.Partly, cause);
        _statements.Add(new Statement(order, participant.Agent, VerdictKind.Allow, null, cause));
    }

    /// <summary>A body goes on without an agent that is passed by since an earlier piece; the verdict says why.</summary>
    public void Remind(Participant participant, int order)
    {
        if (participant.Of(direction).Cause is not Cause.None and var cause)
        {
            _statements.Add(new Statement(order, participant.Agent, VerdictKind.Allow, null, cause));
        }
    }

    /// <summary>
    /// The request passes with a body, or maybe one, that no agent can be shown: whoever was to see it is passed by, unless headers alone
    /// will do for it.
    /// </summary>
    /// <returns>Those passed by.</returns>
    public List<Participant> BypassUnseenBody()
    {
        var bypassed = new List<Participant>();
        for (var order = 0; order < exchange.Enforced.Length; order++)
        {
            var participant = exchange.Enforced[order];
            if (participant.Session.Wants(EventKind.RequestBodyChunk) && !participant.Session.Policy.BodyIsOptional)
            {
                Bypass(participant, order, exchange.UnseenBody);
                bypassed.Add(participant);
            }
        }

        return bypassed;
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
            Direction = direction,
            Decision = winner.Kind == VerdictKind.Allow ? null : winner.Response?.Decision,
            DecidedBy = winner.Kind == VerdictKind.Allow ? null : winner.Agent,
            Cause = winner.Kind == VerdictKind.FailedClosed ? winner.Cause : bypassed?.Cause ?? Cause.None,
            RetryAfter = winner.RetryAfter,
            RequestHeaders = HeaderEdits.Fold(allows.Select(static statement => statement.Response!.RequestHeaders)),
            ResponseHeaders = HeaderEdits.Fold(allows.Select(static statement => statement.Response!.ResponseHeaders)),
            WebSocket = kind == EventKind.WebSocketFrame ? _statements.Select(WebSocketOf).MaxBy(static decision => decision.Kind) : null,
            Guardrail = kind == EventKind.GuardrailInspect
                ? GuardrailFindings.Merge(
                    _statements.Where(static statement => statement.Response is not null || statement.Kind == VerdictKind.FailedClosed)
                        .Select(static statement => statement.Response))
                : null,
            RoutingMetadata = Routing(allows),
            Audits = [
                .. _statements.Select(
                    static statement => new AgentAudit(statement.Agent, statement.Said, statement.Response?.Audit ?? AuditMetadata.Empty))],
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
    public static bool IsProvisional(AgentEvent message, AgentResponse response) =>
        response.NeedsMore && message is BodyChunkEvent { IsLast: false };

    private void Note(Participant participant, string? error, bool isFailure)
    {
        if (error is not null)
        {
            (_errors ??= []).Add(new AnswerError(participant.LogName, error, isFailure));
        }
    }

    private void Fail(Participant participant, int order, Cause cause)
    {
        if (cause == Cause.Decided)
        {
            var abandoned = exchange.AbandonedFor;
            cause = abandoned == Cause.None ? Cause.Decided : abandoned;
            participant.Note(direction, LedgerState.Abandoned, cause);
            if (!Ends)
            {
                // Cancelled, but not by a decision on this event: nobody said that it may pass.
                _statements.Add(new Statement(order, participant.Agent, VerdictKind.FailedClosed, null, cause));
                Ends = true;
            }

            return;
        }

        PassBy(participant, order, cause);
    }

    private void Fail(Participant participant, int order, Cause cause, bool open)
    {
        participant.Note(direction, open ? LedgerState.Bypassed : LedgerState.Refused, cause);
        _statements.Add(new Statement(order, participant.Agent, open ? VerdictKind.Allow : VerdictKind.FailedClosed, null, cause)
        {
            RetryAfter = !open && cause is Cause.Overload or Cause.QueueFull or Cause.AgentLimit
                ? participant.Session.Version.Admission.RetryAfter : 0,
        });
        Ends |= !open;
    }

    private static WebSocketDecision WebSocketOf(Statement winner) => winner switch
    {
        { Response.WebSocketDecision: { } said } => said,
        { Kind: VerdictKind.Allow } => WebSocketDecision.Allow,
        { Kind: VerdictKind.FailedClosed } => WebSocketDecision.Close(1011, "inspection unavailable"),
        _ => WebSocketDecision.Close(1008, "policy"),
    };

    private static Dictionary<string, string>? Routing(List<Statement> allows)
    {
        Dictionary<string, string>? merged = null;
        foreach (var (key, value) in allows.SelectMany(static statement => statement.Response!.RoutingMetadata))
        {
            (merged ??= new(StringComparer.Ordinal))[key] = value;
        }

        return merged;
    }

    private sealed record Statement(int Order, string Agent, VerdictKind Kind, AgentResponse? Response, Cause Cause)
    {
        public int RetryAfter { get; init; }

        public string Said => Response is null ? Cause.Label() : Kind.ToString().ToLowerInvariant();
    }
}

/// <summary>What was wrong with an agent's answer.</summary>
/// <param name="Agent">The agent with its version, as the log names it.</param>
/// <param name="Error">For its author.</param>
/// <param name="IsFailure">Whether the whole answer counts as the agent's failure; when not, only a part of it has no effect.</param>
internal readonly record struct AnswerError(string Agent, string Error, bool IsFailure);
