using Sidecar.Daemon.Connections.Calls;

namespace Sidecar.Daemon.Pooling;

/// <summary>The calls of an agent version that wait for a slot or a connection: a bounded queue, fair to routes and clients. Safe from any thread.</summary>
/// <remarks>
/// <para>
/// Nobody is let in who could not be answered in time: who stands here has a place from which the agent can be reached before its deadline, as
/// far as the agent's pace tells. Where that pace falls behind, those that it is too late for leave at once, and while most are late the newest
/// go first: the oldest are the next to be late.
/// </para>
/// <para>
/// Being woken is no promise: whoever is woken looks again and may wait on, keeping its place. Those that can use any connection look only in
/// their turn, and each that goes in wakes the next. Those that need a certain connection are parts of exchanges that the agent has begun, and go
/// before all others. While nobody waits, waking costs one read.
/// </para>
/// </remarks>
/// <param name="seats">Most calls that may wait, as of the newest settings.</param>
internal sealed class CallQueue(Func<int> seats)
{
    // The queue stands while so many more were late than were served, of the last of both.
    private const int Standing = 4;
    private const int MostLate = 16;

    private readonly Lock _gate = new();
    private readonly List<Waiter> _waiters = [];
    private readonly QueueShares _shares = new();
    private volatile int _count;
    private volatile int _forAny;
    private long _places;
    private int _late;

    /// <summary>Calls that wait.</summary>
    public int Count => _count;

    /// <summary>Most calls that may wait.</summary>
    public int Seats => seats();

    /// <summary>Clients that are remembered, so that each gets its part.</summary>
    public int Clients => _shares.Clients;

    /// <summary>Whether somebody waits for whatever connection there is: newcomers have to stand behind.</summary>
    public bool HasQueue => _forAny != 0;

    /// <summary>Takes a seat.</summary>
    /// <param name="ask">The call.</param>
    /// <param name="most">How many may be served before it, for there is no time for more.</param>
    /// <param name="result">Why there is no seat for it.</param>
    /// <returns>The seat; null when there is none for it, or it would be reached too late.</returns>
    public Waiter? Enter(in CallAsk ask, double most, out CallResult result)
    {
        result = default;
        lock (_gate)
        {
            var share = ask.Lease is null ? _shares.Of(ask.Share) : null;
            var ahead = share is null ? 0 : _count - _forAny + _shares.Ahead(share, _forAny);
            if (ahead > most)
            {
                result = CallResult.Failed(CallOutcome.Shed, $"{ahead} calls would be served first, and there is time for {Math.Max(0, (int)most)}");
                return null;
            }

            var waiter = new Waiter(ask.Lease, share) { Place = ++_places };
            if (_count >= seats())
            {
                // Another route's or client's surplus makes room for somebody's first.
                if (share is null || MostOf() is not { } last || !last.IsOfMore(share))
                {
                    result = CallResult.Failed(CallOutcome.QueueFull, $"{seats()} calls wait for the agent, which is the limit of the queue");
                    return null;
                }

                Remove(last);
                last.Shed();
            }

            _waiters.Add(waiter);
            _count++;
            _forAny += share is null ? 0 : 1;
            share?.Join();
            return waiter;
        }
    }

    /// <summary>Gives the seat back, and the turn to the next.</summary>
    /// <param name="waiter">Whose seat.</param>
    /// <param name="end">What became of the call.</param>
    public void Leave(Waiter waiter, WaitEnd end)
    {
        lock (_gate)
        {
            Remove(waiter);
            if (end == WaitEnd.Served && waiter.Share is { } share)
            {
                _shares.Charge(share);
                _late = Math.Max(0, _late - 1);
            }
            else if (end == WaitEnd.Late)
            {
                _late = Math.Min(MostLate, _late + 1);
            }

            First()?.Wake();
        }
    }

    /// <summary>Whether it is a waiter's turn: one that needs a certain connection always has its turn.</summary>
    public bool IsTurnOf(Waiter waiter)
    {
        if (waiter.Lease is not null)
        {
            return true;
        }

        lock (_gate)
        {
            return First() == waiter;
        }
    }

    /// <summary>A slot is free.</summary>
    /// <param name="connection">On this connection; null when none of its slots is, only one of the agent's.</param>
    public void WakeOne(PooledConnection? connection)
    {
        if (_count == 0)
        {
            return;
        }

        lock (_gate)
        {
            foreach (var waiter in _waiters)
            {
                if (waiter.Lease is { } lease && !waiter.IsWoken && (connection is null || lease == connection))
                {
                    waiter.Wake();
                    return;
                }
            }

            First()?.Wake();
        }
    }

    /// <summary>One that was woken can use nothing of it, or it is not its turn any more: whoever is first looks.</summary>
    public void PassOn(Waiter waiter)
    {
        lock (_gate)
        {
            if (First() is { } first && first != waiter)
            {
                first.Wake();
            }
        }
    }

    /// <summary>Something has changed that may concern everybody.</summary>
    public void WakeAll()
    {
        if (_count == 0)
        {
            return;
        }

        lock (_gate)
        {
            _waiters.ForEach(static waiter => waiter.Wake());
        }
    }

    private void Remove(Waiter waiter)
    {
        if (_waiters.Remove(waiter))
        {
            _count--;
            _forAny -= waiter.Share is null ? 0 : 1;
            waiter.Share?.Leave();
        }
    }

    private Waiter? First()
    {
        var isNewestFirst = _late > Standing;
        Waiter? first = null;
        foreach (var waiter in _waiters)
        {
            first = waiter.Share is not null && (first is null || waiter.CompareTo(first, isNewestFirst) < 0) ? waiter : first;
        }

        return first;
    }

    // The newest of whoever has most.
    private Waiter? MostOf()
    {
        Waiter? most = null;
        foreach (var waiter in _waiters)
        {
            most = waiter.Share is { } share && (most is null || !most.IsOfMore(share, besides: 0)) ? waiter : most;
        }

        return most;
    }
}

/// <summary>What became of a call that waited.</summary>
internal enum WaitEnd
{
    /// <summary>It went to the agent.</summary>
    Served,

    /// <summary>It could no longer have been answered in time.</summary>
    Late,

    /// <summary>It was not wanted any more, or another reason than time kept it back.</summary>
    Gone,
}
