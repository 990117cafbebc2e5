using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections.Calls;

/// <summary>The outstanding calls of one connection: sends events, matches answers, and ends each call in exactly one way.</summary>
/// <remarks>
/// One lock guards the table, the deadlines and, with them, the hand-over of an event to what carries it, so that events leave in the order
/// of their calls and no answer is looked up before its call is there. The lock is never held while waiting or while other people's code
/// runs.
/// </remarks>
/// <typeparam name="TEvent">An event as it is sent.</typeparam>
internal sealed class OutstandingCalls<TEvent> : IAsyncDisposable
    where TEvent : IDisposable
{
    // Far more than the calls of a connection; only for calls that come and are cancelled while nothing can be sent.
    private const int MostUnsent = 4096;

    private readonly Lock _gate = new();
    private readonly CallTable _table = new();
    private readonly List<CorrelationId> _due = [];
    private readonly CallDeadlines _deadlines;
    private readonly SendQueue<TEvent> _unsent;
    private readonly ICallTransport<TEvent> _transport;
    private readonly TimeProvider _time;
    private string? _endedBecause;

    public OutstandingCalls(ICallTransport<TEvent> transport, TimeProvider time)
    {
        (_transport, _time) = (transport, time);
        _deadlines = new CallDeadlines(time, OnDeadline);
        _unsent = new SendQueue<TEvent>(transport, _table, _gate, time);
    }

    /// <summary>Most slots that may be taken.</summary>
    public int Limit { get; set; } = 1;

    /// <summary>How answers find their calls.</summary>
    public AnswerMatching Matching { get; set; }

    /// <summary>
    /// Whether the agent certainly answers guardrail inspections. Those built on the reference never do, and say so (spec §5.3).
    /// </summary>
    public bool AnswersGuardrails { get; set; } = true;

    /// <inheritdoc cref="CallTable.OwesAnswers"/>
    public bool OwesAnswers { get => _table.OwesAnswers; init => _table.OwesAnswers = value; }

    /// <summary>Whether the agent knows cancels.</summary>
    public bool CanCancel { get; set; } = true;

    /// <inheritdoc cref="CallTable.InFlight"/>
    public int InFlight => _table.InFlight;

    /// <inheritdoc cref="CallTable.Owed"/>
    public int Owed => _table.Owed;

    /// <summary>Sends an event and registers its call.</summary>
    /// <param name="encoded">The event as it is sent; taken over, and given back when it is no longer needed.</param>
    /// <param name="id">What its answer names: the exchange, or the request where each has an answer of its own.</param>
    /// <param name="type">The event's type.</param>
    /// <param name="deadline">When its time is up, a timestamp of the clock.</param>
    public ValueTask<CallResult> Send(TEvent encoded, CorrelationId id, MessageType type, long deadline)
    {
        PendingCall call;
        short life;
        lock (_gate)
        {
            if (Refusal(id, type, deadline) is { } refusal)
            {
                encoded.Dispose();
                return new(refusal);
            }

            // Before the event goes: whoever has seen it finds its deadline watched. For a call that is not made the timer fires for
            // nothing.
            _deadlines.Arm(deadline);
            var isSent = _unsent.Count == 0 && _transport.TrySend(encoded);
            call = PendingCall.Rent(deadline);
            life = call.Life;
            _table.Add(id, call, isSent, mayStaySilent: !AnswersGuardrails && type == MessageType.GuardrailInspect);
            if (!isSent)
            {
                _unsent.Add(encoded, id, call, deadline);
                return new ValueTask<CallResult>(call, life);
            }
        }

        encoded.Dispose();
        return new ValueTask<CallResult>(call, life);
    }

    /// <summary>Ends the waiting call of an exchange, if there is one, and tells the agent if it was asked.</summary>
    public void Cancel(CorrelationId id, CancelReason reason)
    {
        PendingCall? call;
        bool wasSent;
        lock (_gate)
        {
            call = _table.Bury(id, out wasSent);
            if (wasSent)
            {
                SendCancel(id, reason);
            }
        }

        call?.Complete(CallResult.Failed(CallOutcome.Cancelled, reason.ToString()) with { IsUnsent = !wasSent });
    }

    /// <summary>
    /// We are about to close the connection: ends every waiting call, and tells the agent that it need not go on (spec §9.7).
    /// </summary>
    public void ShutDown()
    {
        const string Cause = "we closed the connection: the daemon stops or the agent is taken out";
        var waiting = new List<CorrelationId>();
        var ended = new List<PendingCall>();
        lock (_gate)
        {
            _endedBecause ??= Cause;
            _table.FindWaiting(waiting);
            foreach (var id in waiting)
            {
                ended.Add(_table.Bury(id, out var wasSent)!);
                if (wasSent)
                {
                    SendCancel(id, CancelReason.ProxyShutdown);
                }
            }
        }

        foreach (var call in ended)
        {
            call.Complete(CallResult.Failed(CallOutcome.ShutDown, Cause));
        }
    }

    /// <summary>Hands an answer to its call.</summary>
    /// <remarks>
    /// For the loop that reads the connection, on which the asker goes on until its next wait. Answers that come in order need no id.
    /// One that bears the id of another exchange all the same is for nobody. An answer that comes too
    /// late settles its debt here as well: its slot was the only one, so no call can have been sent since.
    /// </remarks>
    /// <param name="id">The exchange that it names; empty when it names none.</param>
    /// <param name="result">What it comes to.</param>
    public AnswerUse Answer(CorrelationId id, in CallResult result)
    {
        AnswerUse use;
        PendingCall? call;
        lock (_gate)
        {
            if (Matching == AnswerMatching.InOrder && id.IsEmpty)
            {
                id = _table.Next;
            }

            // An empty id never matches (spec §5.1).
            (use, call) = (AnswerUse.Unasked, null);
            if (!id.IsEmpty)
            {
                use = _table.Answer(id, out call);
            }
        }

        call?.Complete(result, goesOnHere: true);
        return use;
    }

    /// <summary>Fails every call with one cause; later ones fail at once. Returns how many waited.</summary>
    public int End(string cause)
    {
        List<PendingCall> waiting;
        lock (_gate)
        {
            _endedBecause ??= cause;
            waiting = _table.Clear();
            _deadlines.Dispose();
        }

        foreach (var call in waiting)
        {
            call.Complete(CallResult.Failed(CallOutcome.ConnectionLost, cause));
        }

        return waiting.Count;
    }

    /// <summary>For when the connection has ended: waits until no event of it is held any more.</summary>
    public async ValueTask DisposeAsync()
    {
        End("closed by us");
        await _unsent.WhenIdleAsync();
    }

    // Rule 6: while an answer is owed, the next one could be taken for another call's; only the end of the exchange may still be told.
    private CallResult? Refusal(CorrelationId id, MessageType type, long deadline)
    {
        if (_endedBecause is not null)
        {
            return CallResult.Failed(CallOutcome.ConnectionLost, _endedBecause);
        }

        var (waiting, owed) = _table.Of(id);
        if (waiting || (owed > 0 && type != MessageType.RequestComplete))
        {
            return CallResult.Failed(
                CallOutcome.Owed, waiting ? "a call of this exchange is still waiting" : $"{owed} answers of this exchange are owed");
        }

        if (_table.InFlight >= Limit)
        {
            return CallResult.Failed(CallOutcome.NoRoom,
                $"{_table.InFlight} calls are outstanding on the connection, the limit is {Limit}");
        }

        // Calls that have ended keep their place in the queue until it is their turn.
        if (_unsent.Count >= MostUnsent)
        {
            return CallResult.Failed(CallOutcome.NoRoom,
                $"the agent does not read: {_unsent.Count} events wait for room in the write buffer");
        }

        // Asking when it is too late would only leave a debt.
        return deadline <= _time.GetTimestamp()
            ? CallResult.Unsent(CallOutcome.TimedOut, "the deadline had passed before the event was sent")
            : null;
    }

    private void OnDeadline()
    {
        List<(PendingCall Call, bool WasSent)>? expired = null;
        lock (_gate)
        {
            _due.Clear();
            _deadlines.Rearm(_table.FindDue(_time.GetTimestamp(), _due));
            foreach (var id in _due)
            {
                (expired ??= []).Add((_table.Bury(id, out var wasSent)!, wasSent));
                if (wasSent)
                {
                    SendCancel(id, CancelReason.Timeout);
                }
            }
        }

        foreach (var (call, wasSent) in expired ?? [])
        {
            call.Complete(wasSent
                ? CallResult.Failed(CallOutcome.TimedOut, "no answer before the deadline")
                : CallResult.Failed(CallOutcome.NoRoom, "the agent does not read: the write buffer stayed full until the deadline"));
        }
    }

    private void SendCancel(CorrelationId id, CancelReason reason)
    {
        if (CanCancel)
        {
            _transport.SendCancel(id, reason);
        }
    }
}
