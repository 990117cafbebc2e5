namespace Sidecar.Daemon.Pooling;

/// <summary>The calls of an agent that wait for a slot or a connection: a bounded queue. Safe from any thread.</summary>
/// <remarks>
/// Being woken is no promise: whoever is woken looks again and may wait on, keeping its place. Those that can use any connection look only in
/// their turn, and each that goes in wakes the next. While nobody waits, waking costs one read.
/// </remarks>
/// <param name="seats">Most calls that may wait, as of the newest settings.</param>
internal sealed class CallQueue(Func<int> seats)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _queue = [];
    private volatile int _count;
    private volatile int _forAny;

    /// <summary>Calls that wait.</summary>
    public int Count => _count;

    /// <summary>Most calls that may wait.</summary>
    public int Seats => seats();

    /// <summary>Whether somebody waits for whatever connection there is: newcomers have to stand behind.</summary>
    public bool HasQueue => _forAny != 0;

    /// <summary>Takes a seat; null when all are taken.</summary>
    public Waiter? Enter(PooledConnection? lease)
    {
        lock (_gate)
        {
            if (_count >= seats())
            {
                return null;
            }

            var waiter = new Waiter(lease);
            waiter.Place = _queue.AddLast(waiter);
            _count++;
            _forAny += lease is null ? 1 : 0;
            return waiter;
        }
    }

    /// <summary>Gives the seat back, and the turn to the next.</summary>
    public void Leave(Waiter waiter)
    {
        lock (_gate)
        {
            _queue.Remove(waiter.Place!);
            _count--;
            _forAny -= waiter.Lease is null ? 1 : 0;
            FirstForAny()?.Wake();
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
            return FirstForAny() == waiter;
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
            foreach (var waiter in _queue)
            {
                if (!waiter.IsWoken && (waiter.Lease is null || connection is null || waiter.Lease == connection))
                {
                    waiter.Wake();
                    return;
                }
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
            foreach (var waiter in _queue)
            {
                waiter.Wake();
            }
        }
    }

    private Waiter? FirstForAny()
    {
        foreach (var waiter in _queue)
        {
            if (waiter.Lease is null)
            {
                return waiter;
            }
        }

        return null;
    }
}
