namespace Sidecar.Daemon.Agents;

/// <summary>A bound on bytes that may be held at once. Those who find none left wait in order of arrival, up to their deadline.</summary>
/// <remarks>Safe from any thread. A reservation without waiting takes one short lock and allocates nothing.</remarks>
/// <param name="limit">Most bytes, at least 1.</param>
/// <param name="time">The clock of the deadlines.</param>
internal sealed class ByteBudget(long limit, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiters = [];
    private long _used;

    /// <summary>Most bytes.</summary>
    public long Limit => Volatile.Read(ref limit);

    /// <summary>Bytes reserved now.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>Those who wait.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiters.Count;
            }
        }
    }

    /// <summary>Another limit from now on. What is reserved above it stays until it is given back.</summary>
    public void Within(long most)
    {
        lock (_lock)
        {
            limit = most;
            Admit();
        }
    }

    /// <summary>Reserves without waiting; false when too little is left or others were here before.</summary>
    public bool TryReserve(long bytes)
    {
        lock (_lock)
        {
            if (_waiters.Count > 0 || bytes > limit - _used)
            {
                return false;
            }

            _used += bytes;
            return true;
        }
    }

    /// <summary>
    /// Reserves, waiting until the deadline if need be. False when the time is up, or at once when there can never be so many.
    /// </summary>
    /// <param name="bytes">How many, 0 or more.</param>
    /// <param name="deadline">A timestamp.</param>
    public ValueTask<bool> ReserveAsync(long bytes, long deadline) =>
        TryReserve(bytes) ? new(true)
        : bytes > limit || time.GetTimestamp() >= deadline ? new(false)
        : WaitAsync(bytes, deadline);

    /// <summary>Gives bytes back and lets those who wait have them.</summary>
    public void Return(long bytes)
    {
        lock (_lock)
        {
            _used -= bytes;
            Admit();
        }
    }

    // The first in line goes first even when a later one would fit: otherwise a large body would wait for ever.
    private void Admit()
    {
        while (_waiters.First is { } first && first.Value.Bytes <= limit - _used)
        {
            _waiters.RemoveFirst();
            if (first.Value.Turn.TrySetResult())
            {
                _used += first.Value.Bytes;
            }
        }
    }

    private async ValueTask<bool> WaitAsync(long bytes, long deadline)
    {
        var waiter = new Waiter(bytes, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        LinkedListNode<Waiter> node;
        lock (_lock)
        {
            node = _waiters.AddLast(waiter);

            // Something may have been returned since the first try.
            Admit();
        }

        try
        {
            var left = time.GetElapsedTime(time.GetTimestamp(), deadline);
            await waiter.Turn.Task.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
            return true;
        }
        catch (TimeoutException)
        {
            lock (_lock)
            {
                if (!waiter.Turn.TrySetCanceled())
                {
                    // The turn came in the same moment.
                    return true;
                }

                _waiters.Remove(node);

                // Whoever came after may have waited only for this one.
                Admit();
                return false;
            }
        }
    }

    private sealed record Waiter(long Bytes, TaskCompletionSource Turn);
}
