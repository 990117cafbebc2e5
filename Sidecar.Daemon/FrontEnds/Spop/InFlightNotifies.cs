namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>The NOTIFYs in work on one connection, bounded. Added by its read loop only; they end on any thread.</summary>
internal sealed class InFlightNotifies(int limit)
{
    private readonly Lock _gate = new();
    private readonly HashSet<NotifyRequest> _open = [];
    private TaskCompletionSource? _change;

    /// <summary>Called, from any thread, when the last of them has ended.</summary>
    public Action? Emptied { get; set; }

    /// <summary>How many are in work.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _open.Count;
            }
        }
    }

    /// <summary>Adds one; the caller has waited for room.</summary>
    public void Add(NotifyRequest turn)
    {
        lock (_gate)
        {
            _open.Add(turn);
        }
    }

    /// <summary>One has ended.</summary>
    public void Remove(NotifyRequest turn)
    {
        TaskCompletionSource? change;
        bool isLast;
        lock (_gate)
        {
            _open.Remove(turn);
            isLast = _open.Count == 0;
            (change, _change) = (_change, null);
        }

        if (isLast)
        {
            Emptied?.Invoke();
        }

        change?.TrySetResult();
    }

    /// <summary>Nobody waits for their answers any more.</summary>
    public void AbandonAll()
    {
        NotifyRequest[] open;
        lock (_gate)
        {
            open = [.. _open];
        }

        foreach (var turn in open)
        {
            turn.Abandon();
        }
    }

    /// <summary>Whether one more may be added now.</summary>
    public bool HasRoom => Count < limit;

    /// <summary>Waits until one more may be added. Each ends by its deadline, so this does too.</summary>
    public Task RoomAsync() => BelowAsync(limit);

    /// <summary>Waits until all have ended.</summary>
    public Task EmptyAsync() => BelowAsync(1);

    private async Task BelowAsync(int count)
    {
        while (true)
        {
            Task change;
            lock (_gate)
            {
                if (_open.Count < count)
                {
                    return;
                }

                change = (_change ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            await change.ConfigureAwait(false);
        }
    }
}
