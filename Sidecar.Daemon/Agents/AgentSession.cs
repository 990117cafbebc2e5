using Sidecar.Daemon.Configuration;
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

    private readonly SessionGate _gate = new();
    private readonly CorrelationId _exchange;
    private PooledConnection? _lease;
    private CallResult? _neverTold;
    private bool _isToldOnLease;
    private bool _isRetrying;
    private long _started;

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

    /// <summary>Whether the agent was sent anything of this exchange.</summary>
    public bool HasSeenExchange => _lease is not null;

    /// <summary>Whether this kind of event is for this agent. Later events make the header events prerequisites (spec §5.2).</summary>
    public bool Wants(EventKind kind) => WantedEvents().Has(kind);

    /// <summary>Asks the agent. The caller awaits the result and hands it to <see cref="Settle"/>.</summary>
    /// <param name="message">The event.</param>
    /// <param name="phaseDeadline">When the phase's time is up; the agent's own ceiling may end the call sooner.</param>
    public ValueTask<CallResult> AskAsync(AgentEvent message, long phaseDeadline)
    {
        var deadline = DeadlineOf(message, phaseDeadline);
        if (_isRetrying && message.Type == MessageType.RequestHeaders)
        {
            // The gate is still ours: nothing of the exchange may reach the new connection before its headers.
            _isRetrying = false;
            return Call(message, deadline);
        }

        return _gate.TryEnter() ? Call(message, deadline) : EnterAndCallAsync(message, deadline);
    }

    /// <summary>Ends one call: opens the gate and counts. Returns true when the same event must be asked once more (rule 11); the gate waits for that.</summary>
    public bool Settle(AgentEvent message, in CallResult result, bool isRetry)
    {
        Agent.Metrics.CallEnded(Agent.Id, EventKinds.Of(message.Type), result.Outcome.ToString(), Agent.Time.GetElapsedTime(_started));
        if (ReferenceEquals(result.Detail, GateClosed))
        {
            return false;
        }

        if (!isRetry && result.Outcome == CallOutcome.ConnectionLost && message.Type == MessageType.RequestHeaders
            && Version.Pool.Select(_lease, out _) is { } other)
        {
            // Nothing but the headers has been told, so another connection can take the exchange from its beginning.
            (_lease, _isRetrying) = (other, true);
            return true;
        }

        Remember(message, result);
        _gate.Exit();
        return false;
    }

    /// <summary>The outstanding call is no longer wanted.</summary>
    public void Cancel(CancelReason reason) => _lease?.Connection.Cancel(_exchange, reason);

    private ValueTask<CallResult> Call(AgentEvent message, long deadline)
    {
        _started = Agent.Time.GetTimestamp();
        if (_lease is { } lease)
        {
            return lease.Connection.CallAsync(message, deadline);
        }

        // An agent that was not told of the request would let what follows pass unseen (spec §5.2).
        return _neverTold is { } failure && message.Type != MessageType.RequestHeaders ? new(failure) : LeaseAndCall(message, deadline);
    }

    private void Remember(AgentEvent message, in CallResult result)
    {
        if (result.Outcome is not (CallOutcome.NoRoom or CallOutcome.NotSendable or CallOutcome.NoConnection))
        {
            _isToldOnLease = true;
        }
        else if (!_isToldOnLease)
        {
            _lease = null;
            _neverTold = message.Type == MessageType.RequestHeaders ? result : _neverTold;
        }
    }

    // Between the choice and the call another exchange may have taken the last slot; then the next connection is tried, each at most once.
    private ValueTask<CallResult> LeaseAndCall(AgentEvent message, long deadline)
    {
        for (var attempts = Version.Pool.Live.Count; ; attempts--)
        {
            _lease = Version.Pool.Select(null, out var reason);
            if (_lease is null)
            {
                return new(reason);
            }

            var answer = _lease.Connection.CallAsync(message, deadline);
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

    private async ValueTask<CallResult> EnterAndCallAsync(AgentEvent message, long deadline)
    {
        var left = Agent.Time.GetElapsedTime(Agent.Time.GetTimestamp(), deadline);
        return await _gate.EnterAsync(left, Agent.Time).ConfigureAwait(false)
            ? await Call(message, deadline).ConfigureAwait(false)
            : CallResult.Failed(CallOutcome.TimedOut, GateClosed);
    }

    private long DeadlineOf(AgentEvent message, long phaseDeadline)
    {
        var ceiling = (long)(Policy.TimeoutOf(EventKinds.Of(message.Type)).TotalSeconds * Agent.Time.TimestampFrequency);
        return Math.Min(phaseDeadline, Agent.Time.GetTimestamp() + ceiling);
    }

    private EventSet WantedEvents()
    {
        if (Policy.Mode == AgentMode.Off)
        {
            return EventSet.None;
        }

        var supported = (_lease?.Connection.Traits ?? Version.Pool.Traits)?.Events ?? EventSet.All;
        var wanted = Policy.Events & supported;
        const EventSet AfterRequest = EventSet.RequestBodyChunk | EventSet.ResponseHeaders | EventSet.ResponseBodyChunk | EventSet.RequestComplete | EventSet.WebSocketFrame;
        if ((wanted & AfterRequest) != 0)
        {
            wanted |= EventSet.RequestHeaders;
        }

        return (wanted & EventSet.ResponseBodyChunk) != 0 ? wanted | EventSet.ResponseHeaders : wanted;
    }
}
