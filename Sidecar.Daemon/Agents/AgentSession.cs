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

    // Likewise for calls that ended before anything was sent.
    private static readonly string TooLate = new("the time was up before the event could be sent");
    private static readonly string Withdrawn = new("the event was no longer wanted when its turn came");

    private readonly SessionGate _gate = new();
    private readonly CorrelationId _exchange;
    private PooledConnection? _lease;
    private CallResult? _missedRequest;
    private CallResult? _requestHole;
    private CallResult? _responseHole;
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
    public bool Wants(EventKind kind) => WantedEvents().Has(kind);

    /// <summary>Asks the agent. The caller awaits the result and hands it to <see cref="Settle"/>.</summary>
    /// <param name="message">The event.</param>
    /// <param name="phaseDeadline">When the phase's time is up; the agent's own ceiling may end the call sooner.</param>
    public ValueTask<CallResult> AskAsync(AgentEvent message, long phaseDeadline)
    {
        var deadline = DeadlineOf(message, phaseDeadline);
        var withdrawals = Volatile.Read(ref _withdrawals);
        return _gate.TryEnter() ? Call(message, deadline, withdrawals) : EnterAndCallAsync(message, deadline, withdrawals);
    }

    /// <summary>Ends one call: opens the gate and counts. Returns true when the same event may be asked once more (rule 11).</summary>
    public bool Settle(AgentEvent message, in CallResult result, bool isRetry)
    {
        Agent.Metrics.CallEnded(Agent.Id, EventKinds.Of(message.Type), result.Outcome.ToString(), Agent.Time.GetElapsedTime(_started));
        var again = !isRetry && message.Type == MessageType.RequestHeaders && TryMove(result);
        if (!again)
        {
            NoteHoles(message, result);
        }

        if (!ReferenceEquals(result.Detail, GateClosed))
        {
            _gate.Exit();
        }

        return again;
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

        _lease = other;
        return true;
    }

    // What an agent did not see it cannot judge later: without the headers it would let everything pass (spec §5.2), and a body with a hole is
    // never resumed (rule 6).
    private void NoteHoles(AgentEvent message, in CallResult result)
    {
        var judged = result.Outcome == CallOutcome.BadAnswer || (result.Response is { } response && !ReasonCodes.IsFailure(response));
        var sent = judged || (result.Outcome is CallOutcome.TimedOut or CallOutcome.Cancelled && !IsUnsent(result.Detail));
        switch (message)
        {
            case RequestHeadersEvent when !sent:
                _told = false;
                _missedRequest = result;
                break;

            case ResponseHeadersEvent when !sent:
                _responseHole ??= result;
                break;

            case RequestBodyChunkEvent when !judged:
                _requestHole ??= result;
                break;

            case ResponseBodyChunkEvent when !judged:
                _responseHole ??= result;
                break;
        }
    }

    private static bool IsUnsent(string? detail) =>
        ReferenceEquals(detail, GateClosed) || ReferenceEquals(detail, TooLate) || ReferenceEquals(detail, Withdrawn);

    private CallResult? HoleBefore(AgentEvent message) => message switch
    {
        RequestHeadersEvent or GuardrailInspectEvent or ConfigureEvent => null,
        RequestBodyChunkEvent => _missedRequest ?? _requestHole,
        ResponseBodyChunkEvent => _missedRequest ?? _responseHole,
        _ => _missedRequest,
    };

    private ValueTask<CallResult> Call(AgentEvent message, long deadline, int withdrawals)
    {
        _started = Agent.Time.GetTimestamp();
        if (HoleBefore(message) is { } hole)
        {
            return new(hole with { Detail = $"the agent missed an earlier event of the exchange: {hole.Detail}" });
        }

        if (deadline <= _started)
        {
            return new(CallResult.Failed(CallOutcome.TimedOut, TooLate));
        }

        if (_lease is null)
        {
            _lease = Version.Pool.Select(null, out var reason);
            if (_lease is null)
            {
                return new(reason);
            }
        }

        var connection = _lease.Connection;
        if (!connection.IsOpen)
        {
            return new(CallResult.Failed(CallOutcome.ConnectionLost, "the connection that knew this exchange has ended"));
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
