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
        return _gate.TryEnter() ? Call(message, deadline) : EnterAndCallAsync(message, deadline);
    }

    /// <summary>Ends one call: opens the gate and counts. Returns true when the same event may be asked once more (rule 11).</summary>
    public bool Settle(AgentEvent message, in CallResult result, bool isRetry)
    {
        if (!ReferenceEquals(result.Detail, GateClosed))
        {
            _gate.Exit();
        }

        Agent.Metrics.CallEnded(Agent.Id, EventKinds.Of(message.Type), result.Outcome.ToString(), Agent.Time.GetElapsedTime(_started));
        if (isRetry || result.Outcome != CallOutcome.ConnectionLost || message.Type != MessageType.RequestHeaders)
        {
            return false;
        }

        // Nothing but the headers has been told, so another connection can take the exchange from its beginning.
        _lease = Version.Pool.Select(_lease, out _);
        return _lease is not null;
    }

    /// <summary>The outstanding call is no longer wanted.</summary>
    public void Cancel(CancelReason reason) => _lease?.Connection.Cancel(_exchange, reason);

    private ValueTask<CallResult> Call(AgentEvent message, long deadline)
    {
        _started = Agent.Time.GetTimestamp();
        if (_lease is null)
        {
            _lease = Version.Pool.Select(null, out var reason);
            if (_lease is null)
            {
                return new(reason);
            }
        }

        return _lease.Connection.IsOpen
            ? _lease.Connection.CallAsync(message, deadline)
            : new(CallResult.Failed(CallOutcome.ConnectionLost, "the connection that knew this exchange has ended"));
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
