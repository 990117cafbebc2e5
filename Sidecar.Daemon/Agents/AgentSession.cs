using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents;

/// <summary>
/// One agent's part in one exchange: its version, its connection, and the gate that keeps one call outstanding at a time.
/// </summary>
/// <remarks>
/// The connection is leased at the first event (affinity is this field); when it dies, what the agent knew of the exchange died with it, so
/// later events fail. Safe from any thread; what is marked so is for the call that has the gate.
/// </remarks>
internal sealed class AgentSession
{
    private volatile Waiter? _waiter;
    private volatile bool _told;
    private VersionLease _lease;
    private MissedEvents? _missed;

    // A key in a box: few routes keep sessions together.
    private object? _sticky;

    // Whether the leased connection may hold something for the exchange.
    private bool _isHeld;
    private int _withdrawals;

    // The exchange itself, and calls off its path that may outlive it.
    private int _users = 1;

    /// <summary>A session with a version of its agent; <see cref="HasJoined"/> says whether there was one to have.</summary>
    /// <param name="part">The agent, how it takes part in the exchange, and which versions there are.</param>
    /// <param name="exchange">The exchange.</param>
    /// <param name="awaitsKey">Whether the version is chosen anew when the request's headers are known.</param>
    /// <param name="observer">Reads answers before they count, and is told of every call; null for nobody.</param>
    public AgentSession(RouteAgent part, CorrelationId exchange, bool awaitsKey = false, ICallObserver? observer = null)
    {
        (Part, Exchange, Observer) = (part, exchange, observer);

        // Where the request's headers choose, whatever is held until then counts in no round.
        HasJoined = awaitsKey ? VersionLease.TryTake(part.Plan.Main, out _lease) : part.Plan.TryJoin(out _lease);
    }

    /// <summary>The agent.</summary>
    public AgentState Agent => Part.Agent;

    /// <summary>The agent on the exchange's route, which all exchanges of the route share.</summary>
    public RouteAgent Part { get; }

    /// <summary>How it takes part in this exchange.</summary>
    public AgentPolicy Policy => Part.Policy;

    /// <summary>The version chosen for the whole exchange.</summary>
    public AgentVersion Version => _lease.Version;

    /// <summary>
    /// Whether it has a version, to be left by <see cref="Leave"/>. False when the model that it is of has been replaced: then it is of no
    /// use.
    /// </summary>
    public bool HasJoined { get; }

    /// <summary>The exchange.</summary>
    public CorrelationId Exchange { get; }

    /// <summary>Who stands above; null for nobody.</summary>
    public ICallObserver? Observer { get; }

    /// <summary>Keeps one call outstanding at a time.</summary>
    public SessionGate Gate { get; } = new();

    /// <summary>The connection of the exchange; null before its first event. For the call that has the gate.</summary>
    public PooledConnection? Lease { get; set; }

    /// <summary>
    /// Where the call waits in the agent's queue, so that <see cref="Cancel"/> finds it; null when it does not. For the call that has the
    /// gate.
    /// </summary>
    public Waiter? Waiter { get => _waiter; set => _waiter = value; }

    /// <summary>Whether the agent was sent the request headers, and so knows of this exchange.</summary>
    public bool HasSeenExchange => _told;

    /// <summary>Whether the agent missed the request headers: it cannot judge what follows, and its failure has been counted.</summary>
    public bool HasMissedRequest => Volatile.Read(ref _missed)?.MissedRequest == true;

    /// <summary>Changes when calls that were asked for before are no longer wanted.</summary>
    public int Withdrawals => Volatile.Read(ref _withdrawals);

    /// <summary>
    /// Whether bodies pass it by because it states request headers alone, and nobody has named its events: maybe more than it means (rule
    /// 18).
    /// </summary>
    public bool IsShownHeadersOnly => StatedEvents.AreHeadersOnly(Policy, Stated);

    /// <summary>Most bytes of a body in one event to the agent, at least 1.</summary>
    public long MaxEventBytes => Math.Min(Policy.MaxEventBytes, Traits is { MaxEventBytes: > 0 and var most } ? most : int.MaxValue);

    /// <summary>Largest body that the agent says it takes; <see cref="long.MaxValue"/> when it states none.</summary>
    public long MaxBodyBytes => Traits is { MaxBodyBytes: > 0 and var most } ? most : long.MaxValue;

    private EventSet Stated => Traits?.Events ?? EventSet.All;

    private ConnectionTraits? Traits => Lease?.Connection.Traits ?? Version.Pool.Traits;

    /// <summary>Whether this kind of event is for this agent. Later events make the header events prerequisites (spec §5.2).</summary>
    public bool Wants(EventKind kind) => Policy.Wanted(Stated).Has(kind);

    /// <summary>Whether the agent's answer to this kind of event counts; when not, it is sent only because later ones need it.</summary>
    public bool Decides(EventKind kind) => Policy.Decided(Stated).Has(kind);

    /// <summary>
    /// Asks the agent, and does all that belongs to it: waits for its turn, goes through the agent's admission, asks request headers once
    /// more where their connection died under them (rule 11), gives back what the call held, and counts its end.
    /// </summary>
    /// <param name="message">The event.</param>
    /// <param name="phaseDeadline">When the phase's time is up, a timestamp; the agent's own ceiling may end the call sooner.</param>
    /// <param name="frames">Where the encoded event is shared with other agents that are asked about it; null for nowhere.</param>
    /// <returns>What counts of the answer, or why there is none. To be awaited once, by one.</returns>
    public ValueTask<AgentReply> AskAsync(AgentEvent message, long phaseDeadline, EventFrames? frames = null) =>
        AgentCall.Begin(this, message, phaseDeadline, frames);

    /// <summary>The outstanding call is no longer wanted, nor are those that wait for their turn.</summary>
    public void Cancel(CancelReason reason)
    {
        Interlocked.Increment(ref _withdrawals);
        _waiter?.Wake();
        Lease?.Connection.Cancel(Exchange, reason);
    }

    /// <summary>
    /// What the version was to wait for is known: the exchange goes to that of the client's session, and to the connection of that, if it
    /// takes new exchanges. Before the first event is sent.
    /// </summary>
    /// <param name="key">The client's session; null for none.</param>
    public void Choose(StickyKey? key)
    {
        if (Lease is not null)
        {
            return;
        }

        _sticky = key;
        if (key is { } known ? Part.Plan.TryJoin(known, out var lease) : Part.Plan.TryJoin(out lease))
        {
            _lease.Leave();
            _lease = lease;
        }
    }

    /// <summary>A call begins that may outlive the exchange; paired with <see cref="Release"/>.</summary>
    public void Retain() => Interlocked.Increment(ref _users);

    /// <summary>
    /// The exchange, or a call that may have outlived it, is over. The last one frees what the connection holds for the exchange.
    /// </summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            ReleaseConnection();
        }
    }

    /// <summary>The exchange is over for the agent's version. Once, and only of a session that has joined.</summary>
    public void Leave() => _lease.Leave();

    /// <summary>Finds the connection of the client's session for the first event. For the call that has the gate.</summary>
    public void FindLease()
    {
        if (Lease is null && _sticky is StickyKey key)
        {
            Lease = Version.Pool.Sticky.Find(key);
        }
    }

    /// <summary>The exchange is on its connection from now on. For the call that has the gate.</summary>
    /// <param name="sending">What is about to be sent.</param>
    public void Occupy(MessageType sending)
    {
        if (_sticky is StickyKey key)
        {
            Version.Pool.Sticky.Use(key, Lease!);
        }

        _told |= sending == MessageType.RequestHeaders;
        if (!_isHeld)
        {
            _isHeld = true;
            Lease!.Join();
        }
    }

    /// <summary>A connection has refused the first event, so the exchange is not on it. For the call that has the gate.</summary>
    public void Vacate()
    {
        if (_isHeld)
        {
            _isHeld = false;
            Lease!.Leave();
        }
    }

    /// <summary>
    /// Nothing but the headers has been told, so another connection can take the exchange from its beginning: moves it there, if there is
    /// one, the breaker sees a point in it, and not too many calls are made again. For the call that has the gate.
    /// </summary>
    public bool TryMove()
    {
        if (Lease is not { } lost || Version.Admission.Breaker.State != BreakerState.Closed
            || Version.Pool.Select(lost, out _) is not { } other || !Version.Admission.Retries.TryTake())
        {
            return false;
        }

        ReleaseConnection();
        Lease = other;
        return true;
    }

    /// <summary>The missed event that makes this one pointless; null when there is none.</summary>
    public CallResult? MissedBefore(AgentEvent message) => Volatile.Read(ref _missed)?.Before(message);

    /// <summary>Remembers what a call's end means for later events.</summary>
    /// <param name="message">The event.</param>
    /// <param name="result">How its call ended.</param>
    /// <param name="reachedAgent">Whether it may have been sent.</param>
    public void Note(AgentEvent message, in CallResult result, bool reachedAgent)
    {
        if (result.IsAnswered && ReferenceEquals(result.Response, AgentResponse.Allow))
        {
            return;
        }

        if (Volatile.Read(ref _missed) is not { } missed)
        {
            missed = Interlocked.CompareExchange(ref _missed, new MissedEvents(), null) ?? _missed!;
        }

        missed.Note(message, result, reachedAgent);
        _told &= !missed.MissedRequest;
    }

    private void ReleaseConnection()
    {
        if (_isHeld)
        {
            _isHeld = false;
            Lease!.Connection.Release(Exchange);
            Lease.Leave();
        }
    }
}
