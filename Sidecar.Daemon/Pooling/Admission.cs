using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>Decides for each call of an agent version whether it may go now, and on which connection: breaker, flow control, slots, selection.</summary>
/// <remarks>
/// With free capacity nothing is allocated and nobody queues; a call that ends takes a short lock to be measured. Safe from any thread. Every
/// pass given out is given back by <see cref="Leave"/> in every way out of a call, which is what keeps the counts right after errors, timeouts
/// and cancellations. What cannot be answered in time is refused before it is sent (rule 20).
/// </remarks>
internal sealed class Admission
{
    // The times of calls scatter: a queue that is just as long as the average allows is too long every second time.
    private const double Spread = 2.2;

    private readonly ConnectionPool _pool;
    private readonly TimeProvider _time;
    private readonly CallQueue _room;
    private readonly OwedAnswers _owed;
    private readonly Lock _followGate = new();
    private int _running;

    public Admission(ConnectionPool pool, TimeProvider time, Action<BreakerState, string> breakerChanged)
    {
        _pool = pool;
        _time = time;
        _room = new CallQueue(() => pool.Settings.Queue);
        Limit = new CallLimit(time);
        _owed = new OwedAnswers(pool, Limit, time);
        Retries = new RetryBudget(Limit, time);
        Sheds = new ShedCounts(time);
        Follow();
        Breaker = new CircuitBreaker(pool.Settings.Breaker, time, breakerChanged);
    }

    /// <summary>The agent's circuit breaker.</summary>
    public CircuitBreaker Breaker { get; }

    /// <summary>How many calls may be under way.</summary>
    public CallLimit Limit { get; }

    /// <summary>Calls that may be made again because their connection ended.</summary>
    public RetryBudget Retries { get; }

    /// <summary>Calls refused because they could not have been answered in time.</summary>
    public ShedCounts Sheds { get; }

    /// <summary>After how many seconds a client that was refused for overload may come again, 1 to 30.</summary>
    public int RetryAfter => Sheds.RetryAfter(Limit.SlotTime);

    /// <summary>Calls under way.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Calls that wait to be let through.</summary>
    public int Waiting => _room.Count;

    /// <summary>Most calls that may wait.</summary>
    public int Seats => _room.Seats;

    /// <summary>Goes by the pool's newest settings and connections.</summary>
    public void Follow()
    {
        // Connections come side by side: what was summed last has to be what counts.
        lock (_followGate)
        {
            var stated = _pool.Live.Sum(static connection => connection.Connection.Traits.MaxInFlight);
            Limit.Within(_pool.Settings.MaxCalls, stated > 0 ? stated : int.MaxValue);
        }
    }

    /// <summary>Lets a call through if that can be done now.</summary>
    /// <param name="ask">The call.</param>
    /// <param name="pass">What it holds from now on; it may hold a slot already, when it is asked again (rule 11).</param>
    /// <param name="refusal">Why not, when the answer is no.</param>
    /// <param name="hasTurn">False for a newcomer, who has to stand behind those that wait.</param>
    public bool TryEnter(in CallAsk ask, ref CallPermit pass, out Refusal refusal, bool hasTurn = false)
    {
        if (!hasTurn && ask.Lease is null && _room.HasQueue && !pass.HasSlot)
        {
            refusal = Paced(CallResult.Failed(FullOutcome, $"{_room.Count} calls wait for the agent already"));
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
        if (chosen is null || (ask.Kind != EventKind.RequestComplete && !TryTakeSlot(ref pass, out refusal)))
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

        (pass.Trial, pass.Bytes, pass.Connection, pass.BeginsExchange) = (trial, ask.Bytes, chosen, ask.Lease is null);
        return true;
    }

    /// <summary>A seat in the queue; null, with the end of the call, when all are taken, none exist, or it could not be answered in time from there.</summary>
    public Waiter? Queue(in CallAsk ask, in Refusal refusal, out CallResult result)
    {
        result = refusal.Result;

        // The news that exchanges are over comes in bursts, when they expire together, and no request waits for it: it takes no seat of one that does.
        if (refusal.Wait <= TimeSpan.Zero || _room.Seats == 0 || ask.Kind == EventKind.RequestComplete)
        {
            return null;
        }

        // What is half inspected waits as long as it can: refusing it costs most.
        var most = refusal.IsPaced && ask.Lease is null ? ServedInTime(ask.Deadline) : double.PositiveInfinity;
        var seat = _room.Enter(ask, most, out var full);
        if (seat is null)
        {
            result = full with { Detail = $"{full.Detail}; {refusal.Result.Detail}" };
            if (refusal.IsPaced)
            {
                Sheds.Add();
            }
        }

        return seat;
    }

    /// <summary>
    /// When a call that waits has to be sent at the latest, a timestamp: an answer takes as long as most do, and so do those of the calls that
    /// follow the first of an exchange; at most half of the time there is.
    /// </summary>
    public long LatestStart(long since, long deadline, bool beginsExchange)
    {
        var takes = Limit.CallTime + (2 * Limit.Deviation);
        return deadline - Math.Min((deadline - since) / 2, Ticks(beginsExchange ? takes * Limit.CallsPerExchange : takes));
    }

    /// <summary>A call that waited for its turn could no longer have been answered.</summary>
    public CallResult TooLate(in Refusal refusal)
    {
        if (refusal.IsPaced)
        {
            Sheds.Add();
        }

        return refusal.IsPaced && _pool.Settings.QueueWait == TimeSpan.MaxValue
            ? CallResult.Failed(CallOutcome.Shed, $"the agent could not have answered in time: calls take {Limit.CallTime.TotalMilliseconds:0.#} ms; {refusal.Result.Detail}")
            : refusal.Result;
    }

    /// <summary>A call has found the slot that it was promised taken.</summary>
    public Refusal Lost(in CallResult result) => Paced(result);

    /// <summary>Whether it is a waiting call's turn.</summary>
    public bool IsTurnOf(Waiter waiter) => _room.IsTurnOf(waiter);

    /// <summary>One that was woken goes on waiting: another may be able to use what it was woken for.</summary>
    public void PassOn(Waiter waiter) => _room.PassOn(waiter);

    /// <summary>Gives the seat back.</summary>
    public void LeaveQueue(Waiter waiter, WaitEnd end) => _room.Leave(waiter, end);

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
        return left <= TimeSpan.Zero ? new(waiter.IsWoken)
            : Limit.MayDouble && left > CallLimit.Quiet ? LookSoonAsync(waiter)
            : waiter.WaitAsync(left, _time);
    }

    // Nobody may come to wake it.
    private async ValueTask<bool> LookSoonAsync(Waiter waiter)
    {
        await waiter.WaitAsync(CallLimit.Quiet, _time).ConfigureAwait(false);
        return true;
    }

    /// <summary>A call has ended: what it held is given back, and what its end says about the agent is remembered.</summary>
    /// <param name="pass">What it held; afterwards it holds nothing, or only its slot.</param>
    /// <param name="result">How it ended.</param>
    /// <param name="kind">Its event.</param>
    /// <param name="took">From its being let through to its end.</param>
    /// <param name="given">How long it had, from then on.</param>
    /// <param name="ceiling">How long the agent may take.</param>
    /// <param name="keepsSlot">Whether the same event is asked again at once (rule 11).</param>
    public void Leave(ref CallPermit pass, in CallResult result, EventKind kind, TimeSpan took, TimeSpan given, TimeSpan ceiling, bool keepsSlot)
    {
        if (pass.Connection is { } connection)
        {
            var verdict = CallVerdicts.Of(result, kind, connection.Connection.Capabilities, hadItsTime: given >= CallVerdicts.WholeTime * ceiling);
            Breaker.Report(pass.Trial, verdict, result.Outcome == CallOutcome.ConnectionLost);
            var now = _time.GetTimestamp();
            connection.Figures.Add(result.Outcome, took, ceiling, now);
            if (pass.HasSlot && result.Outcome is CallOutcome.Answered or CallOutcome.TimedOut && !result.IsUnsent)
            {
                Limit.Add(kind, took, now, Running + _owed.Count(), result.IsAnswered, pass.BeginsExchange);
            }

            if (verdict != CallVerdict.Neutral)
            {
                connection.History.Add(verdict == CallVerdict.Failure, took, now);
                _pool.Ejection.Note(connection, verdict, now);
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
    public void SlotFreed(PooledConnection connection)
    {
        _owed.OnPaid();
        _room.WakeOne(connection);
        _room.WakeOne(null);
    }

    /// <summary>A connection has come, or takes new exchanges again, or none ever will.</summary>
    public void ConnectionsChanged()
    {
        Follow();
        _room.WakeAll();
    }

    private void Release(ref CallPermit pass, bool keepsSlot, bool wakes)
    {
        var (connection, hadSlot) = (pass.Connection, pass.HasSlot && !keepsSlot);
        connection?.Release(pass.Bytes);
        pass = new CallPermit { HasSlot = pass.HasSlot && keepsSlot };
        if (hadSlot && Interlocked.Decrement(ref _running) < Limit.Current && wakes)
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
            refusal = chosen is null ? RefusalOf(reason) : default;
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
            refusal = Paced(CallResult.Failed(CallOutcome.NoRoom, $"all {lease.Connection.Traits.MaxInFlight} slots of the exchange's connection are taken"));
        }
        else
        {
            return lease;
        }

        return null;
    }

    private Refusal RefusalOf(in CallResult reason) => reason.Outcome switch
    {
        CallOutcome.NoRoom => Paced(reason),
        CallOutcome.Paused => new(reason, _pool.Settings.FlowWait),
        CallOutcome.NoConnection when _pool.State == PoolState.Pending && !_pool.IsClosing => new(reason, _pool.Settings.AbsentWait),
        _ => new(reason, TimeSpan.Zero),
    };

    // A number of the operator's is a limit; what follows the agent says how much the agent has to do.
    private CallOutcome FullOutcome => _pool.Settings.MaxCalls > 0 ? CallOutcome.NoSlot : CallOutcome.Shed;

    private Refusal Paced(in CallResult result) => new(result, _pool.Settings.QueueWait, IsPaced: true);

    // How many exchanges can be served before one that has until then: as many as the agent answers, call by call, in the time that its own
    // answers leave.
    private double ServedInTime(long deadline)
    {
        if (_pool.Settings.QueueWait != TimeSpan.MaxValue || Limit.SlotTime is var slot && slot == TimeSpan.Zero)
        {
            return double.PositiveInfinity;
        }

        var now = _time.GetTimestamp();
        var served = (_time.GetElapsedTime(now, LatestStart(now, deadline, beginsExchange: true)) / (slot * Limit.CallsPerExchange)) - 1;
        return served <= 0 ? served : served - Math.Min(served / 2, Spread * Math.Sqrt(served));
    }

    private long Ticks(TimeSpan time) => (long)(time.TotalSeconds * _time.TimestampFrequency);

    private bool TryTakeSlot(ref CallPermit pass, out Refusal refusal)
    {
        refusal = default;
        if (pass.HasSlot)
        {
            return true;
        }

        // Not an increment that is taken back: it would turn others away for nothing.
        var (running, limit, owed) = (Volatile.Read(ref _running), Limit.Current, _owed.Count());
        _owed.Look(owed);
        if (running + owed >= limit && Limit.MayDouble)
        {
            Limit.OnFull(_time.GetTimestamp());
            limit = Limit.Current;
        }

        while (running + owed < limit)
        {
            var seen = Interlocked.CompareExchange(ref _running, running + 1, running);
            if (seen == running)
            {
                pass.HasSlot = true;
                return true;
            }

            running = seen;
        }

        refusal = Paced(CallResult.Failed(FullOutcome, owed == 0
            ? $"{running} calls to the agent are under way, the limit is {limit}"
            : $"{running} calls to the agent are under way and {owed} answers are owed, the limit is {limit}"));
        return false;
    }
}
