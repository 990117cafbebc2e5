using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>An agent's session in an exchange with its lines of the ledger. Safe from any thread.</summary>
internal sealed class Participant : ICallObserver
{
    private const int AskedShift = 16;

    private LedgerEntry _request;
    private LedgerEntry _response;
    private int _calls;

    // Kinds of events that it was asked about, in the upper half, and that it was not, in the lower.
    private int _noted;

    /// <summary>An agent that takes part in an exchange, with a version if its session has joined one.</summary>
    public Participant(Exchange exchange, RouteAgent part, bool awaitsKey)
    {
        Exchange = exchange;
        Session = new AgentSession(part, exchange.Id, awaitsKey, this);
    }

    /// <summary>The exchange.</summary>
    public Exchange Exchange { get; }

    /// <summary>Calls that have ended, but for those that tell of the end of the exchange.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>The session.</summary>
    public AgentSession Session { get; }

    /// <summary>The agent's id.</summary>
    public string Agent => Session.Agent.Id;

    /// <summary>The agent with its version, as the log names it.</summary>
    public string LogName => AgentVersion.LabelOf(Agent, Session.Version.Name);

    CallResult ICallObserver.Check(AgentResponse response) =>
        HeaderRules.AnswerError(response) is { } error ? CallResult.Unfit(response, error) : Fit(response);

    void ICallObserver.OnEnded(AgentEvent message, in CallResult result, bool isRetry, in CallTimes times)
    {
        var kind = EventKinds.Of(message.Type);
        if (kind != EventKind.RequestComplete)
        {
            Interlocked.Increment(ref _calls);
        }

        Note((int)kind.AsSet() << AskedShift);
        Exchange.Record(new RecordEntry
        {
            Kind = RecordKind.Call,
            Event = kind,
            Agent = Agent,
            Version = Session.Version.Name,
            Outcome = result.Outcome,
            Said = result is { IsAnswered: true, Response: { } said } ? VerdictMerger.KindOf(said.Decision) : VerdictKind.Allow,
            IsRetry = isRetry,
            ChangesBody = result.Response is { } answer
                && (answer.RequestBodyMutation ?? answer.ResponseBodyMutation) is { Data: not null },
            Response = result.Response,
            Times = times,
        });
    }

    /// <summary>The agent is not asked about an event. Noted once for each kind of event.</summary>
    public void Skip(EventKind kind, SkipReason reason)
    {
        if (Note((int)kind.AsSet()))
        {
            Exchange.Record(
                new RecordEntry { Kind = RecordKind.Skipped, Event = kind, Agent = Agent, Version = Session.Version.Name, Skip = reason });
        }
    }

    /// <summary>An event ended before its turn came. Noted of an agent that was asked about none of the kind.</summary>
    public void SkipUnlessAsked(EventKind kind)
    {
        if ((Volatile.Read(ref _noted) & ((int)kind.AsSet() << AskedShift)) == 0)
        {
            Skip(kind, Session.Wants(kind) ? SkipReason.Decided : SkipReason.NotWanted);
        }
    }

    /// <summary>What enforcing the agent's answer would have done, of one that only watches.</summary>
    /// <param name="kind">The event.</param>
    /// <param name="label">The word for it (<see cref="MonitorLabels"/>).</param>
    public void NoteWouldBe(EventKind kind, string label) =>
        Exchange.Record(
            new RecordEntry { Kind = RecordKind.WouldBe, Event = kind, Agent = Agent, Version = Session.Version.Name, Label = label });

    // What of a refusal cannot be carried out is replaced or left out; it is told to the agent's author, and the refusal stays one (rule
    // 19).
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
        lock (Session)
        {
            ref var line = ref direction == Direction.Request ? ref _request : ref _response;
            line = line.Or(new LedgerEntry(state, cause));
        }
    }

    /// <summary>
    /// The agent answered an event. One that it was only told because later ones need it does not make its part inspected.
    /// </summary>
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
        if (Session.IsShownHeadersOnly && Of(Direction.Request).State == LedgerState.Inspected)
        {
            Note(Direction.Request, LedgerState.Inspected, Cause.BodyUnasked);
        }
    }

    /// <summary>How a direction is accounted so far.</summary>
    public LedgerEntry Of(Direction direction)
    {
        lock (Session)
        {
            return direction == Direction.Request ? _request : _response;
        }
    }

    /// <summary>
    /// Whether the answer to this event counts; when not, it was sent only because later ones need it, and only its failure counts.
    /// </summary>
    public bool Decides(EventKind kind) => Session.Decides(kind);

    // True the first time.
    private bool Note(int bit) => (Volatile.Read(ref _noted) & bit) == 0 && (Interlocked.Or(ref _noted, bit) & bit) == 0;

    // Over HTTP/2 and HTTP/3 there may be a body that no header announces.
    private bool IsBodyUnasked(RequestHeadersEvent request) =>
        Session.IsShownHeadersOnly && (request.HasBody == true || AnnouncesBody(request.Headers));

    private static bool AnnouncesBody(HeaderBlock headers) =>
        headers.IndexOf("transfer-encoding"u8) >= 0
        || (headers.IndexOf("content-length"u8) is >= 0 and var at && headers.Value(at).ContainsAnyExcept((byte)'0'));
}
