using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents;

/// <summary>One agent's part in one exchange.</summary>
/// <remarks>
/// It owns the connection leased for the exchange (affinity is this field), the gate that keeps one call outstanding at a time, and the retry.
/// The lease is made at the first event; when the leased connection dies, what the agent knew of the exchange died with it, so later events fail.
/// </remarks>
internal sealed class AgentSession : SessionCalls
{
    // Recognised by reference: the one result whose call never went through the gate.
    private static readonly string GateClosed = new("an earlier event of the exchange was not answered before the deadline");

    // Likewise for calls that ended before anything was sent.
    private static readonly string TooLate = new("the time was up before the event could be sent");

    private readonly MissedEvents _missed = new();

    // The exchange itself, and calls off its path that may outlive it.
    private int _users = 1;
    private bool _isRetrying;

    /// <summary>A session with a version of its agent.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="policy">How it takes part in the exchange.</param>
    /// <param name="plan">Says which version.</param>
    /// <param name="exchange">The exchange.</param>
    /// <param name="awaitsKey">Whether the version is chosen anew when the request's headers are known.</param>
    public AgentSession(AgentState agent, AgentPolicy policy, VersionPlan plan, CorrelationId exchange, bool awaitsKey = false)
        : base(agent, policy, plan, exchange, awaitsKey)
    {
    }

    /// <summary>Whether the agent was sent the request headers, and so knows of this exchange.</summary>
    public bool HasSeenExchange => IsTold;

    /// <summary>Whether the agent missed the request headers: it cannot judge what follows, and its failure has been counted.</summary>
    public bool HasMissedRequest => _missed.MissedRequest;

    /// <summary>Whether this kind of event is for this agent. Later events make the header events prerequisites (spec §5.2).</summary>
    public bool Wants(EventKind kind) => Policy.Wanted(Stated).Has(kind);

    /// <summary>Whether the agent's answer to this kind of event counts; when not, it is sent only because later ones need it.</summary>
    public bool Decides(EventKind kind) => Policy.Decided(Stated).Has(kind);

    /// <summary>
    /// Whether bodies pass it by because it states request headers alone, and nobody has named its events: maybe more than it means (rule 18).
    /// </summary>
    public bool IsShownHeadersOnly => StatedEvents.AreHeadersOnly(Policy, Stated);

    /// <summary>Most bytes of a body in one event to the agent, at least 1.</summary>
    public long MaxEventBytes => Math.Min(Policy.MaxEventBytes, Traits is { MaxEventBytes: > 0 and var most } ? most : int.MaxValue);

    /// <summary>Largest body that the agent says it takes; <see cref="long.MaxValue"/> when it states none.</summary>
    public long MaxBodyBytes => Traits is { MaxBodyBytes: > 0 and var most } ? most : long.MaxValue;

    private EventSet Stated => Traits?.Events ?? EventSet.All;

    private ConnectionTraits? Traits => Lease?.Connection.Traits ?? Version.Pool.Traits;

    /// <summary>Asks the agent. The caller awaits the result and hands it to <see cref="Settle"/>.</summary>
    /// <param name="message">The event.</param>
    /// <param name="phaseDeadline">When the phase's time is up; the agent's own ceiling may end the call sooner.</param>
    public ValueTask<CallResult> AskAsync(AgentEvent message, long phaseDeadline)
    {
        var asked = Agent.Time.GetTimestamp();
        var deadline = DeadlineOf(message, phaseDeadline, asked);
        var withdrawals = Withdrawals;
        if (_isRetrying && message.Type == MessageType.RequestHeaders)
        {
            // The gate is still ours: nothing of the exchange may reach the new connection before its headers.
            _isRetrying = false;
            return Call(message, deadline, withdrawals, asked, asked);
        }

        return Gate.TryEnter() ? Call(message, deadline, withdrawals, asked, asked) : EnterAndCallAsync(message, deadline, withdrawals, asked);
    }

    /// <summary>
    /// Ends one call: opens the gate and gives back what the call held. Returns true when the same event must be asked once more (rule 11); the gate
    /// waits for that.
    /// </summary>
    /// <param name="message">The event.</param>
    /// <param name="result">How the call ended.</param>
    /// <param name="isRetry">Whether the event must not be asked again.</param>
    /// <param name="times">When the call went through its stages.</param>
    public bool Settle(AgentEvent message, in CallResult result, bool isRetry, out CallTimes times)
    {
        var kind = EventKinds.Of(message.Type);
        var settled = Agent.Time.GetTimestamp();
        var took = Agent.Time.GetElapsedTime(Times.Entered, settled);

        // One that never had the gate has no stages but the end; the others are of the call that has it.
        times = ReferenceEquals(result.Detail, GateClosed) ? new() { Settled = settled, Took = took } : Times with { Settled = settled, Took = took };
        if (!ReferenceEquals(result.Detail, GateClosed))
        {
            var mayMove = !isRetry && kind == EventKind.RequestHeaders && result.Outcome is CallOutcome.ConnectionLost or CallOutcome.NoConnection;
            Version.Admission.Leave(ref Pass, result, kind, took, Policy.TimeoutOf(kind), keepsSlot: mayMove);
            if (mayMove && TryMove())
            {
                return true;
            }

            Version.Admission.Return(ref Pass);
        }

        _missed.Note(message, result, reachedAgent: !result.IsUnsent && !IsUnsent(result.Detail));
        IsTold &= !_missed.MissedRequest;
        if (!ReferenceEquals(result.Detail, GateClosed))
        {
            Gate.Exit();
        }

        return false;
    }

    /// <summary>The outstanding call is no longer wanted, nor are those that wait for their turn.</summary>
    public void Cancel(CancelReason reason)
    {
        Withdraw();
        Lease?.Connection.Cancel(Exchange, reason);
    }

    /// <summary>A call begins that may outlive the exchange; paired with <see cref="Release"/>.</summary>
    public void Retain() => Interlocked.Increment(ref _users);

    /// <summary>The exchange, or a call that may have outlived it, is over. The last one frees what the connection holds for the exchange.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            ReleaseConnection();
        }
    }

    // Nothing but the headers has been told, so another connection can take the exchange from its beginning.
    private bool TryMove()
    {
        if (Lease is not { } lost || Version.Admission.Breaker.State != BreakerState.Closed || Version.Pool.Select(lost, out _) is not { } other)
        {
            return false;
        }

        ReleaseConnection();
        (Lease, _isRetrying) = (other, true);
        return true;
    }

    private static bool IsUnsent(string? detail) =>
        ReferenceEquals(detail, GateClosed) || ReferenceEquals(detail, TooLate) || ReferenceEquals(detail, Withdrawn);

    private ValueTask<CallResult> Call(AgentEvent message, long deadline, int withdrawals, long asked, long entered)
    {
        Times = new CallTimes { Asked = asked, Entered = entered };
        if (_missed.Before(message) is { } hole)
        {
            return new(hole with { Detail = $"the agent missed an earlier event of the exchange: {hole.Detail}" });
        }

        if (deadline <= entered)
        {
            return new(CallResult.Failed(CallOutcome.TimedOut, TooLate));
        }

        if (Lease is null && Sticky is { } session)
        {
            Lease = Version.Pool.Sticky.Find(session);
        }

        return EnterAndCall(new CallAsk(message, EventKinds.Of(message.Type), Lease, deadline), withdrawals);
    }

    private async ValueTask<CallResult> EnterAndCallAsync(AgentEvent message, long deadline, int withdrawals, long asked)
    {
        var left = Agent.Time.GetElapsedTime(asked, deadline);
        if (!await Gate.EnterAsync(left, Agent.Time).ConfigureAwait(false))
        {
            return CallResult.Failed(CallOutcome.TimedOut, GateClosed);
        }

        var entered = Agent.Time.GetTimestamp();
        if (withdrawals == Withdrawals)
        {
            return await Call(message, deadline, withdrawals, asked, entered).ConfigureAwait(false);
        }

        Times = new CallTimes { Asked = asked, Entered = entered };
        return CallResult.Failed(CallOutcome.Cancelled, Withdrawn);
    }

    private long DeadlineOf(AgentEvent message, long phaseDeadline, long now)
    {
        // An agent that says it is degraded may take longer, never past the end of the phase (spec §6.2).
        var stretch = Lease?.TimeoutMultiplier ?? Version.Pool.TimeoutMultiplier;
        var ceiling = (long)(Policy.TimeoutOf(EventKinds.Of(message.Type)).TotalSeconds * stretch * Agent.Time.TimestampFrequency);
        return Math.Min(phaseDeadline, now + ceiling);
    }
}
