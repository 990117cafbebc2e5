using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>Decides for each call of an agent version whether it may go now, and on which connection: breaker, flow control, slots, selection.</summary>
/// <remarks>
/// With free capacity nothing is allocated, nobody queues, and no lock is taken. Safe from any thread. Every pass given out is given back by
/// <see cref="Leave"/> in every way out of a call, which is what keeps the counts right after errors, timeouts and cancellations.
/// </remarks>
internal sealed class Admission
{
    private readonly ConnectionPool _pool;
    private readonly TimeProvider _time;
    private readonly CallQueue _room;
    private int _running;

    public Admission(ConnectionPool pool, TimeProvider time, Action<BreakerState, string> breakerChanged)
    {
        _pool = pool;
        _time = time;
        _room = new CallQueue(() => pool.Settings.Queue);
        Breaker = new CircuitBreaker(pool.Settings.Breaker, time, breakerChanged);
    }

    /// <summary>The agent's circuit breaker.</summary>
    public CircuitBreaker Breaker { get; }

    /// <summary>Calls under way.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Calls that wait to be let through.</summary>
    public int Waiting => _room.Count;

    /// <summary>Most calls that may wait.</summary>
    public int Seats => _room.Seats;

    /// <summary>Lets a call through if that can be done now.</summary>
    /// <param name="ask">The call.</param>
    /// <param name="pass">What it holds from now on; it may hold a slot already, when it is asked again (rule 11).</param>
    /// <param name="refusal">Why not, when the answer is no.</param>
    /// <param name="hasTurn">False for a newcomer, who has to stand behind those that wait.</param>
    public bool TryEnter(in CallAsk ask, ref CallPermit pass, out Refusal refusal, bool hasTurn = false)
    {
        if (!hasTurn && ask.Lease is null && _room.HasQueue && !pass.HasSlot)
        {
            refusal = new(CallResult.Failed(CallOutcome.NoSlot, $"{_room.Count} calls wait for the agent already"), _pool.Settings.QueueWait);
            return false;
        }

        // The end of an exchange frees memory of the agent: no breaker and no pause keeps it back.
        var trial = 0;
        if (ask.Kind != EventKind.RequestComplete && !Breaker.TryEnter(ask.Deadline, out trial))
        {
            refusal = new(CallResult.Failed(CallOutcome.BreakerOpen, "the agent's circuit breaker is open: too many of its calls failed"), TimeSpan.Zero);
            return false;
        }

        var chosen = Choose(ask, out refusal);
        if (chosen is null || !TryTakeSlot(ref pass, out refusal))
        {
            Breaker.Report(trial, CallVerdict.Neutral);
            return false;
        }

        if (ask.Bytes is > 0 and var bytes && !chosen.TryReserve(bytes))
        {
            Return(ref pass, wakes: false);
            Breaker.Report(trial, CallVerdict.Neutral);
            refusal = new(CallResult.Failed(CallOutcome.Paused, $"the agent has no room for {bytes} bytes of body now"), TimeSpan.MaxValue);
            return false;
        }

        (pass.Trial, pass.Bytes, pass.Connection) = (trial, ask.Bytes, chosen);
        return true;
    }

    /// <summary>A seat in the queue; null, with the end of the call, when all are taken or none exist.</summary>
    public Waiter? Queue(in CallAsk ask, in Refusal refusal, out CallResult result)
    {
        result = refusal.Result;

        // The news that exchanges are over comes in bursts, when they expire together, and no request waits for it: it takes no seat of one that does.
        if (refusal.Wait <= TimeSpan.Zero || _room.Seats == 0 || ask.Kind == EventKind.RequestComplete)
        {
            return null;
        }

        var seat = _room.Enter(ask.Lease);
        if (seat is null)
        {
            result = CallResult.Failed(CallOutcome.QueueFull, $"{_room.Seats} calls wait for the agent, which is the limit of the queue; {refusal.Result.Detail}");
        }

        return seat;
    }

    /// <summary>A call has found the slot that it was promised taken.</summary>
    public Refusal Lost(in CallResult result) => new(result, _pool.Settings.QueueWait);

    /// <summary>Whether it is a waiting call's turn.</summary>
    public bool IsTurnOf(Waiter waiter) => _room.IsTurnOf(waiter);

    /// <summary>Gives the seat back.</summary>
    public void LeaveQueue(Waiter waiter) => _room.Leave(waiter);

    /// <summary>Waits until a call that was refused may look again; false when its time is up.</summary>
    /// <param name="waiter">Its seat.</param>
    /// <param name="since">When it began to wait, a timestamp of the clock.</param>
    /// <param name="wait">How long it may wait from then on.</param>
    /// <param name="deadline">The call's deadline.</param>
    public ValueTask<bool> WaitAsync(Waiter waiter, long since, TimeSpan wait, long deadline)
    {
        var now = _time.GetTimestamp();
        var left = _time.GetElapsedTime(now, deadline);
        var mine = wait == TimeSpan.MaxValue ? left : wait - _time.GetElapsedTime(since, now);
        left = mine < left ? mine : left;
        return left > TimeSpan.Zero ? waiter.WaitAsync(left, _time) : new(waiter.IsWoken);
    }

    /// <summary>A call has ended: what it held is given back, and what its end says about the agent is remembered.</summary>
    /// <param name="pass">What it held; afterwards it holds nothing, or only its slot.</param>
    /// <param name="result">How it ended.</param>
    /// <param name="kind">Its event.</param>
    /// <param name="took">From the call to its end.</param>
    /// <param name="ceiling">How long it might have taken.</param>
    /// <param name="keepsSlot">Whether the same event is asked again at once (rule 11).</param>
    public void Leave(ref CallPermit pass, in CallResult result, EventKind kind, TimeSpan took, TimeSpan ceiling, bool keepsSlot)
    {
        if (pass.Connection is { } connection)
        {
            var verdict = CallVerdicts.Of(result, kind, connection.Connection.Capabilities);
            Breaker.Report(pass.Trial, verdict);
            var now = _time.GetTimestamp();
            connection.Figures.Add(result.Outcome, took, ceiling, now);
            if (verdict != CallVerdict.Neutral)
            {
                connection.History.Add(verdict == CallVerdict.Failure, took, now);
                _pool.Ejection.Note(connection, verdict);
            }
        }

        Release(ref pass, keepsSlot, wakes: true);
    }

    /// <summary>A call was never made, or ended by a defect of ours: it says nothing about the agent.</summary>
    /// <param name="pass">What it held; afterwards it holds nothing.</param>
    /// <param name="wakes">False when nothing has become free that was not before: those that wait would wake each other without end.</param>
    public void Return(ref CallPermit pass, bool wakes = true)
    {
        Breaker.Report(pass.Trial, CallVerdict.Neutral);
        Release(ref pass, keepsSlot: false, wakes);
    }

    /// <summary>A slot of a connection has become free without the end of a call: an answer that was owed has come.</summary>
    public void SlotFreed(PooledConnection connection) => _room.WakeOne(connection);

    /// <summary>A connection has come, or takes new exchanges again, or none ever will.</summary>
    public void ConnectionsChanged() => _room.WakeAll();

    private void Release(ref CallPermit pass, bool keepsSlot, bool wakes)
    {
        var (connection, hadSlot) = (pass.Connection, pass.HasSlot && !keepsSlot);
        connection?.Release(pass.Bytes);
        pass = new CallPermit { HasSlot = pass.HasSlot && keepsSlot };
        if (hadSlot && Interlocked.Decrement(ref _running) == _pool.Settings.MaxCalls - 1 && wakes)
        {
            // Whoever waits may wait for just this, whatever its connection.
            _room.WakeOne(null);
        }

        if (connection is not null && wakes)
        {
            _room.WakeOne(connection);
        }
    }

    private PooledConnection? Choose(in CallAsk ask, out Refusal refusal)
    {
        if (ask.Lease is not { } lease)
        {
            var chosen = _pool.Select(null, out var reason);
            refusal = chosen is null ? new(reason, WaitFor(reason.Outcome)) : default;
            return chosen;
        }

        refusal = default;
        if (!lease.Connection.IsOpen)
        {
            refusal = new(
                CallResult.Failed(_pool.IsClosing ? CallOutcome.ShutDown : CallOutcome.ConnectionLost, "the connection that knew this exchange has ended"),
                TimeSpan.Zero);
        }
        else if (ask.Kind != EventKind.RequestComplete && lease.IsPaused)
        {
            refusal = new(CallResult.Failed(CallOutcome.Paused, "the agent asks to be sent nothing on the exchange's connection"), _pool.Settings.FlowWait);
        }
        else if (ask.Message is BodyChunkEvent && lease.Held.Contains(ask.Message.CorrelationId))
        {
            refusal = new(CallResult.Failed(CallOutcome.Paused, "the agent asks to hold the bodies of this exchange"), TimeSpan.MaxValue);
        }
        else if (lease.Room <= 0)
        {
            refusal = new(CallResult.Failed(CallOutcome.NoRoom, $"all {lease.Connection.Traits.MaxInFlight} slots of the exchange's connection are taken"), _pool.Settings.QueueWait);
        }
        else
        {
            return lease;
        }

        return null;
    }

    private TimeSpan WaitFor(CallOutcome outcome) => outcome switch
    {
        CallOutcome.NoRoom => _pool.Settings.QueueWait,
        CallOutcome.Paused => _pool.Settings.FlowWait,
        CallOutcome.NoConnection when _pool.State == PoolState.Pending && !_pool.IsClosing => _pool.Settings.QueueWait,
        _ => TimeSpan.Zero,
    };

    private bool TryTakeSlot(ref CallPermit pass, out Refusal refusal)
    {
        refusal = default;
        if (pass.HasSlot)
        {
            return true;
        }

        // Not an increment that is taken back: it would turn others away for nothing.
        var running = Volatile.Read(ref _running);
        while (running < _pool.Settings.MaxCalls)
        {
            var seen = Interlocked.CompareExchange(ref _running, running + 1, running);
            if (seen == running)
            {
                pass.HasSlot = true;
                return true;
            }

            running = seen;
        }

        refusal = new(CallResult.Failed(CallOutcome.NoSlot, $"{running} calls to the agent are under way, the limit is {_pool.Settings.MaxCalls}"), _pool.Settings.QueueWait);
        return false;
    }
}
