using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>An agent's session in an exchange with its lines of the ledger.</summary>
internal sealed class Participant(AgentSession session)
{
    private readonly LedgerEntry[] _entries = new LedgerEntry[2];

    /// <summary>The session.</summary>
    public AgentSession Session => session;

    /// <summary>The agent's id.</summary>
    public string Agent => session.Agent.Id;

    /// <summary>
    /// Ends one call of the session. An answer that may not be applied becomes its agent's failure first, and so counts as one for the breaker, the health and
    /// the counters too (rule 5).
    /// </summary>
    /// <param name="message">The event.</param>
    /// <param name="result">How the call ended; afterwards what counts.</param>
    /// <param name="isRetry">Whether the event must not be asked again.</param>
    /// <returns>Whether the same event must be asked once more (rule 11).</returns>
    public bool Settle(AgentEvent message, ref CallResult result, bool isRetry)
    {
        if (result is { IsAnswered: true, Response: { } response } && !ReferenceEquals(response, AgentResponse.Allow))
        {
            result = HeaderRules.AnswerError(response) is { } error ? CallResult.Unfit(response, error) : Fit(response);
        }

        return session.Settle(message, result, isRetry);
    }

    // What of a refusal cannot be carried out is replaced or left out; it is told to the agent's author, and the refusal stays one (rule 19).
    private static CallResult Fit(AgentResponse response)
    {
        var decision = DecisionRules.Fit(response.Decision, out var repaired);
        var frame = DecisionRules.Fit(response.WebSocketDecision, out var repairedFrame);
        return (repaired ?? repairedFrame) is { } what
            ? CallResult.Answered(response with { Decision = decision, WebSocketDecision = frame }) with { Detail = what }
            : CallResult.Answered(response);
    }

    /// <summary>Accounts for one event of a direction.</summary>
    public void Note(Direction direction, LedgerState state, Cause cause = Cause.None)
    {
        lock (_entries)
        {
            _entries[(int)direction] = _entries[(int)direction].Or(new LedgerEntry(state, cause));
        }
    }

    /// <summary>The agent answered an event. One that it was only told because later ones need it does not make its part inspected.</summary>
    public void NoteInspected(AgentEvent message, EventKind kind)
    {
        if (Decides(kind))
        {
            Note(
                VerdictMerger.DirectionOf(message), LedgerState.Inspected,
                message is RequestHeadersEvent request && IsBodyUnasked(request) ? Cause.BodyUnasked : Cause.None);
        }
    }

    /// <summary>A piece of the request's body has come that the agent is not asked about.</summary>
    public void NoteUnasked()
    {
        if (session.IsShownHeadersOnly && Of(Direction.Request).State == LedgerState.Inspected)
        {
            Note(Direction.Request, LedgerState.Inspected, Cause.BodyUnasked);
        }
    }

    /// <summary>How a direction is accounted so far.</summary>
    public LedgerEntry Of(Direction direction)
    {
        lock (_entries)
        {
            return _entries[(int)direction];
        }
    }

    /// <summary>Whether the answer to this event counts; when not, it was sent only because later ones need it, and only its failure counts.</summary>
    public bool Decides(EventKind kind) => session.Decides(kind);

    private bool IsBodyUnasked(RequestHeadersEvent request) => session.IsShownHeadersOnly && RequestFraming.TellsOfBody(request);
}
