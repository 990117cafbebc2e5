using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents;

/// <summary>One agent's part in one exchange.</summary>
/// <remarks>
/// It owns the connection leased for the exchange (affinity is this field), the gate that keeps one call outstanding at a time, and the retry.
/// The lease is made at the first event; when the leased connection dies, what the agent knew of the exchange died with it, so later events fail.
/// </remarks>
internal sealed class AgentSession
{
    // Recognised by reference: the one result whose call never went through the gate.
    private static readonly string GateClosed = new("an earlier event of the exchange was not answered before the deadline");

    // Likewise for calls that ended before anything was sent.
    private static readonly string TooLate = new("the time was up before the event could be sent");
    private static readonly string Withdrawn = new("the event was no longer wanted when its turn came");

    private readonly SessionGate _gate = new();
    private readonly EventHoles _holes = new();
    private readonly CorrelationId _exchange;
    private PooledConnection? _lease;
    private bool _isRetrying;
    private long _started;
    private int _withdrawals;
    private volatile bool _told;

    public AgentSession(AgentState agent, AgentPolicy policy, CorrelationId exchange)
    {
        Agent = agent;
        Policy = policy;
        _exchange = exchange;
        Version = agent.Current;
    }

    /// <summary>The agent.</summary>
    public AgentState Agent { get; }

    /// <summary>How it takes part in this exchange.</summary>
    public AgentPolicy Policy { get; }

    /// <summary>The version chosen for the whole exchange.</summary>
    public AgentVersion Version { get; }

    /// <summary>Whether the agent was sent the request headers, and so knows of this exchange.</summary>
    public bool HasSeenExchange => _told;

    /// <summary>Whether this kind of event is for this agent. Later events make the header events prerequisites (spec §5.2).</summary>
    public bool Wants(EventKind kind) => Policy.Wanted(Supported).Has(kind);

    /// <summary>Whether the agent's answer to this kind of event counts; when not, it is sent only because later ones need it.</summary>
    public bool Decides(EventKind kind) => (Policy.Events & Supported).Has(kind);

    /// <summary>Most bytes of a body in one event to the agent, at least 1.</summary>
    public long MaxEventBytes => Math.Min(Policy.MaxEventBytes, Traits is { MaxEventBytes: > 0 and var most } ? most : int.MaxValue);

    /// <summary>Largest body that the agent says it takes; <see cref="long.MaxValue"/> when it states none.</summary>
    public long MaxBodyBytes => Traits is { MaxBodyBytes: > 0 and var most } ? most : long.MaxValue;

    private EventSet Supported => Traits?.Events ?? EventSet.All;

    private ConnectionTraits? Traits => _lease?.Connection.Traits ?? Version.Pool.Traits;

    /// <summary>Asks the agent. The caller awaits the result and hands it to <see cref="Settle"/>.</summary>
    /// <param name="message">The event.</param>
    /// <param name="phaseDeadline">When the phase's time is up; the agent's own ceiling may end the call sooner.</param>
    public ValueTask<CallResult> AskAsync(AgentEvent message, long phaseDeadline)
    {
        var deadline = DeadlineOf(message, phaseDeadline);
        var withdrawals = Volatile.Read(ref _withdrawals);
        if (_isRetrying && message.Type == MessageType.RequestHeaders)
        {
            // The gate is still ours: nothing of the exchange may reach the new connection before its headers.
            _isRetrying = false;
            return Call(message, deadline, withdrawals);
        }

        return _gate.TryEnter() ? Call(message, deadline, withdrawals) : EnterAndCallAsync(message, deadline, withdrawals);
    }

    /// <summary>Ends one call: opens the gate and counts. Returns true when the same event must be asked once more (rule 11); the gate waits for that.</summary>
    public bool Settle(AgentEvent message, in CallResult result, bool isRetry)
    {
        Agent.Metrics.CallEnded(Agent.Id, EventKinds.Of(message.Type), result.Outcome.ToString(), Agent.Time.GetElapsedTime(_started));
        if (!isRetry && message.Type == MessageType.RequestHeaders && TryMove(result))
        {
            return true;
        }

        _holes.Note(message, result, reachedAgent: !IsUnsent(result.Detail));
        _told &= !_holes.MissedRequest;
        if (!ReferenceEquals(result.Detail, GateClosed))
        {
            _gate.Exit();
        }

        return false;
    }

    /// <summary>The outstanding call is no longer wanted, nor are those that wait for their turn.</summary>
    public void Cancel(CancelReason reason)
    {
        Interlocked.Increment(ref _withdrawals);
        _lease?.Connection.Cancel(_exchange, reason);
    }

    // Nothing but the headers has been told, so another connection can take the exchange from its beginning.
    private bool TryMove(in CallResult result)
    {
        if (_lease is not { } lost || result.Outcome is not (CallOutcome.ConnectionLost or CallOutcome.NoConnection)
            || Version.Pool.Select(lost, out _) is not { } other)
        {
            return false;
        }

        (_lease, _isRetrying) = (other, true);
        return true;
    }

    private static bool IsUnsent(string? detail) =>
        ReferenceEquals(detail, GateClosed) || ReferenceEquals(detail, TooLate) || ReferenceEquals(detail, Withdrawn);

    private ValueTask<CallResult> Call(AgentEvent message, long deadline, int withdrawals)
    {
        _started = Agent.Time.GetTimestamp();
        if (_holes.Before(message) is { } hole)
        {
            return new(hole with { Detail = $"the agent missed an earlier event of the exchange: {hole.Detail}" });
        }

        if (deadline <= _started)
        {
            return new(CallResult.Failed(CallOutcome.TimedOut, TooLate));
        }

        return _lease is null ? LeaseAndCall(message, deadline, withdrawals) : CallOn(_lease.Connection, message, deadline, withdrawals);
    }

    // Between the choice and the call another exchange may have taken the last slot; then the next connection is tried, each at most once.
    private ValueTask<CallResult> LeaseAndCall(AgentEvent message, long deadline, int withdrawals)
    {
        for (var attempts = Version.Pool.Live.Count; ; attempts--)
        {
            var lease = Version.Pool.Select(null, out var reason);
            if (lease is null)
            {
                return new(reason);
            }

            _lease = lease;
            var answer = CallOn(lease.Connection, message, deadline, withdrawals);
            if (attempts <= 1 || !answer.IsCompletedSuccessfully)
            {
                return answer;
            }

            var result = answer.GetAwaiter().GetResult();
            if (result.Outcome != CallOutcome.NoRoom)
            {
                return new(result);
            }
        }
    }

    private ValueTask<CallResult> CallOn(IAgentConnection connection, AgentEvent message, long deadline, int withdrawals)
    {
        if (!connection.IsOpen)
        {
            return new(CallResult.Failed(CallOutcome.ConnectionLost, "the connection that knew this exchange has ended"));
        }

        var kind = EventKinds.Of(message.Type);
        if (Policy.Required.Has(kind) && !connection.Traits.Events.Has(kind))
        {
            return new(CallResult.Failed(CallOutcome.Unsupported, $"the agent does not take {kind} events, which its configuration names; it takes {connection.Traits.Events}"));
        }

        // An agent that states no limit states 0.
        if (message is BodyChunkEvent body && connection.Traits.MaxEventBytes is > 0 and var most && body.Data.Length > most)
        {
            return new(CallResult.Failed(CallOutcome.NotSendable, $"the piece of the body has {body.Data.Length} bytes; the agent takes {most}"));
        }

        _told |= message.Type == MessageType.RequestHeaders;
        var pending = connection.CallAsync(message, deadline);
        if (withdrawals != Volatile.Read(ref _withdrawals))
        {
            // It was withdrawn just before the connection knew of the call, so nobody else cancels it.
            connection.Cancel(_exchange, CancelReason.Manual);
        }

        return pending;
    }

    private async ValueTask<CallResult> EnterAndCallAsync(AgentEvent message, long deadline, int withdrawals)
    {
        var left = Agent.Time.GetElapsedTime(Agent.Time.GetTimestamp(), deadline);
        if (!await _gate.EnterAsync(left, Agent.Time).ConfigureAwait(false))
        {
            return CallResult.Failed(CallOutcome.TimedOut, GateClosed);
        }

        return withdrawals == Volatile.Read(ref _withdrawals)
            ? await Call(message, deadline, withdrawals).ConfigureAwait(false)
            : CallResult.Failed(CallOutcome.Cancelled, Withdrawn);
    }

    private long DeadlineOf(AgentEvent message, long phaseDeadline)
    {
        var ceiling = (long)(Policy.TimeoutOf(EventKinds.Of(message.Type)).TotalSeconds * Agent.Time.TimestampFrequency);
        return Math.Min(phaseDeadline, Agent.Time.GetTimestamp() + ceiling);
    }
}
