using System.Diagnostics.CodeAnalysis;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>
/// One HTTP request and its response: the route it started with, the agents that take part, its ledger. It ends exactly once.
/// </summary>
/// <remarks>
/// What most exchanges do without is made when it is needed. It is not reused itself: front ends keep it beyond its end, and whatever they
/// ask of it then must not meet another client's. What is reused is what only lives while it is inspected: calls, fan-outs, records. It
/// locks itself, as nobody else does.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "Its end is what gives back what its bodies hold, when no event is under way.")]
internal sealed partial class Exchange
{
    private ExchangeBodies? _bodies;
    private LedgerEntry _own;
    private volatile Cause _abandonedFor;
    private int _busy;
    private bool _ended;
    private bool _isClosed;

    private Exchange(CorrelationId id, string listener, long generation, RouteModel? route, long started)
    {
        (Id, Listener, Generation, Route, Started, LastEvent) = (id, listener, generation, route, started, started);
        _own = new LedgerEntry(LedgerState.NotSubject, route is null ? Cause.NoRoute : Cause.None);
        var agents = Plan.Agents;
        _participants = agents.IsEmpty ? [] : new Participant[agents.Length];
        for (var i = 0; i < agents.Length; i++)
        {
            _participants[i] = new Participant(this, agents[i], route!.Sticky is not null);
        }
    }

    /// <summary>
    /// Begins an exchange; null when an agent's version has ended since the model was read, which happens only when there is a newer one.
    /// </summary>
    /// <param name="id">Minted by us.</param>
    /// <param name="listener">The listener's name.</param>
    /// <param name="generation">The number of the model that the route is of.</param>
    /// <param name="route">Its route; null when none took it.</param>
    /// <param name="started">When it began, a timestamp.</param>
    public static Exchange? TryBegin(CorrelationId id, string listener, long generation, RouteModel? route, long started)
    {
        var exchange = new Exchange(id, listener, generation, route, started);
        if (Array.TrueForAll(exchange._participants, static participant => participant.Session.HasJoined))
        {
            return exchange;
        }

        foreach (var participant in exchange._participants)
        {
            if (participant.Session.HasJoined)
            {
                participant.Session.Leave();
            }
        }

        return null;
    }

    /// <summary>Minted by us; the correlation id of all its events.</summary>
    public CorrelationId Id { get; }

    /// <summary>The number of the model that it began with, and that all of it is explained by.</summary>
    public long Generation { get; }

    /// <summary>The listener it came through.</summary>
    public string Listener { get; }

    /// <summary>The route it began with; null when none took it, and when it was never known what it asks for.</summary>
    public RouteModel? Route { get; }

    /// <summary>The route's id as a label value.</summary>
    public string RouteLabel => Route?.Id ?? RouteOptions.UnmatchedId;

    /// <summary>When it began, a timestamp.</summary>
    public long Started { get; }

    /// <summary>When its last event came, a timestamp.</summary>
    public long LastEvent { get; set; }

    /// <summary>
    /// Whether its phases come one by one from a proxy that may go on without having heard an answer. Set before the first event.
    /// </summary>
    public bool IsJoined { get; set; }

    /// <summary>Whether an event of either direction is being inspected.</summary>
    public bool IsBusy => Volatile.Read(ref _busy) > 0;

    /// <summary>What its end was announced with; null when nobody announced it.</summary>
    public RequestCompleteEvent? Complete { get; private set; }

    /// <summary>
    /// Why agents are not shown the request's body, because the listener's proxy does not hand it over: <see cref="Cause.NoBody"/>, or
    /// <see cref="Cause.MaybeBody"/> where nothing tells whether there is one; none where there is none. Set by the front end before the
    /// headers are inspected.
    /// </summary>
    public Cause UnseenBody { get; set; }

    /// <summary>
    /// The id of the client's session when the front end knows one, for routes that stick to it; set before the first event.
    /// </summary>
    public string? SessionId { get; set; }

    /// <summary>Its bodies; made when somebody asks for them, and of an exchange that is over disposed of.</summary>
    public ExchangeBodies Bodies
    {
        get
        {
            lock (this)
            {
                if (_bodies is null)
                {
                    _bodies = new ExchangeBodies(this);
                    if (_isClosed)
                    {
                        _bodies.Dispose();
                    }
                }

                return _bodies;
            }
        }
    }

    /// <summary>The flow of a direction's body; null when none of it has come.</summary>
    public BodyPipeline? BodyOf(Direction direction) => Volatile.Read(ref _bodies)?.FlowOf(direction);

    /// <summary>Why the calls under way were cancelled from outside; none while they are wanted. A later event is wanted again.</summary>
    public Cause AbandonedFor => _abandonedFor;

    /// <summary>Accounts for something that no single agent stands for, for example a request that cannot be inspected at all.</summary>
    public void Note(LedgerState state, Cause cause)
    {
        lock (this)
        {
            _own = _own.Or(new LedgerEntry(state, cause));
        }
    }

    /// <summary>Refuses it without an agent's word.</summary>
    public Verdict Refuse(Cause cause, IReadOnlyList<AgentAudit>? audits = null)
    {
        Note(LedgerState.Refused, cause);
        return Verdict.Refused(cause, audits);
    }

    /// <summary>Whether it was refused without an agent's word, for a reason of our own.</summary>
    public bool IsRefused
    {
        get
        {
            lock (this)
            {
                return _own.State == LedgerState.Refused;
            }
        }
    }

    /// <summary>Nobody waits for the verdict any more, because the client is gone, or we stop.</summary>
    public void Abandon(bool isStopping = false) =>
        Abandon(isStopping ? Cause.Shutdown : Cause.ClientGone, isStopping ? CancelReason.ProxyShutdown : CancelReason.ClientDisconnect);

    /// <summary>Nobody wants the verdict any more: calls in flight are cancelled.</summary>
    public void Abandon(Cause cause, CancelReason reason)
    {
        lock (this)
        {
            if (_ended)
            {
                return;
            }

            _abandonedFor = _abandonedFor == Cause.None ? cause : _abandonedFor;
            _own = _own.Or(new LedgerEntry(LedgerState.Abandoned, cause));
        }

        foreach (var participant in Enforced)
        {
            participant.Session.Cancel(reason);
        }
    }

    /// <summary>Its end was not announced: abandoned only if a verdict was still awaited.</summary>
    public void Expire(Cause cause, CancelReason reason)
    {
        if (IsBusy)
        {
            Abandon(cause, reason);
        }
    }

    /// <summary>The response that agents want was never asked about: neither their part in it nor the whole counts as inspected.</summary>
    public void MissResponse(Cause cause)
    {
        Note(LedgerState.Abandoned, cause);
        foreach (var participant in Enforced)
        {
            if (participant.Session.Wants(EventKind.ResponseHeaders))
            {
                participant.Note(Direction.Response, LedgerState.Abandoned, cause);
            }
        }
    }

    /// <summary>
    /// An event is about to be inspected; every true is paired with <see cref="Leave"/>. False when the exchange has ended.
    /// </summary>
    public bool TryEnter()
    {
        lock (this)
        {
            if (_ended)
            {
                return false;
            }

            if (_busy++ == 0)
            {
                _abandonedFor = Cause.None;
            }

            return true;
        }
    }

    /// <summary>
    /// An event is inspected. True for the one that has to account for the exchange: it ended meanwhile, and this was its last event.
    /// </summary>
    public bool Leave()
    {
        lock (this)
        {
            return --_busy == 0 && _ended;
        }
    }

    /// <summary>
    /// It is over: no event enters any more. True for the one that has to account for it now; events under way leave it to the last of
    /// them.
    /// </summary>
    public bool TryEnd(RequestCompleteEvent? complete)
    {
        lock (this)
        {
            if (_ended)
            {
                return false;
            }

            _ended = true;
            Complete = complete;
            return _busy == 0;
        }
    }

    /// <summary>Gives back what its bodies hold. Once, when it has ended and no event is under way.</summary>
    public void CloseBodies()
    {
        ExchangeBodies? bodies;
        lock (this)
        {
            (bodies, _isClosed) = (_bodies, true);
        }

        bodies?.Dispose();
    }

    /// <summary>
    /// How the whole is accounted: the weightiest of its own line and all agents', where an agent that another's decision made superfluous
    /// does not count.
    /// </summary>
    public LedgerEntry Account()
    {
        LedgerEntry total;
        lock (this)
        {
            total = _own;
        }

        var isAsked = false;
        foreach (var participant in Enforced)
        {
            isAsked |= participant.Session.Wants(EventKind.RequestBodyChunk);
            foreach (var direction in (ReadOnlySpan<Direction>)[Direction.Request, Direction.Response])
            {
                var entry = participant.Of(direction);
                total = entry is { State: LedgerState.Abandoned, Cause: Cause.Decided } ? total : total.Or(entry);
            }
        }

        // One agent that was asked is not nobody.
        return total.Cause == Cause.BodyUnasked && isAsked ? total with { Cause = Cause.None } : total;
    }
}
