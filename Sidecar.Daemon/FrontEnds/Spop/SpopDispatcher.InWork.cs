using Sidecar.Daemon.Agents;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>The NOTIFYs in work, each from when it was read until it has been answered.</summary>
internal sealed partial class SpopDispatcher
{
    private readonly Lock _gate = new();
    private readonly HashSet<NotifyRequest> _inWork = [];
    private TaskCompletionSource? _change;

    /// <summary>NOTIFYs in work.</summary>
    public int InFlight
    {
        get
        {
            lock (_gate)
            {
                return _inWork.Count;
            }
        }
    }

    /// <summary>Nobody waits for answers any more.</summary>
    public void AbandonAll()
    {
        NotifyRequest[] open;
        lock (_gate)
        {
            open = [.. _inWork];
        }

        foreach (var request in open)
        {
            request.Abandon();
        }
    }

    /// <summary>Waits until there is room for one more NOTIFY. Each ends by its deadline, so this does too.</summary>
    public Task RoomAsync() => BelowAsync(_options.MaxInFlight);

    /// <summary>Waits until none is in work.</summary>
    public Task EmptyAsync() => BelowAsync(1);

    private void Begin(NotifyRequest request)
    {
        request.IsUnheard = HasLeft;
        lock (_gate)
        {
            _inWork.Add(request);
        }

        var answering = frontEnd.AnswerAsync(request, _replies);
        if (answering.IsCompleted)
        {
            Finish(request, answering);
        }
        else
        {
            FinishLater(request, answering);
        }
    }

    // Not a method that waits: what waits for agents is the front end's alone.
    private void FinishLater(NotifyRequest request, ValueTask answering) =>
        answering.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(() => Finish(request, answering));

    private void Finish(NotifyRequest request, ValueTask answered)
    {
        try
        {
            // Gives it back to its pool; it never throws.
            answered.GetAwaiter().GetResult();
        }
        finally
        {
            Leave(request);
        }
    }

    private void Leave(NotifyRequest request)
    {
        request.Dispose();
        TaskCompletionSource? change;
        bool isLast;
        lock (_gate)
        {
            _inWork.Remove(request);
            isLast = _inWork.Count == 0;
            (change, _change) = (_change, null);
        }

        if (isLast)
        {
            emptied();
        }

        change?.TrySetResult();
    }

    private async Task BelowAsync(int count)
    {
        while (true)
        {
            Task change;
            lock (_gate)
            {
                if (_inWork.Count < count)
                {
                    return;
                }

                change = (_change ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            await change.ConfigureAwait(false);
        }
    }
}

/// <summary>
/// What one connection has reserved of a budget, adjusted as what it keeps grows and shrinks. Not safe for several threads.
/// </summary>
internal sealed class BudgetShare(ByteBudget budget) : IDisposable
{
    private long _reserved;

    /// <summary>Adjusts the reservation; false, and then it stays as it was, when too little is left.</summary>
    /// <param name="bytes">How many bytes are kept now.</param>
    public bool TrySettle(long bytes)
    {
        if (bytes > _reserved && !budget.TryReserve(bytes - _reserved))
        {
            return false;
        }

        if (bytes < _reserved)
        {
            budget.Return(_reserved - bytes);
        }

        _reserved = bytes;
        return true;
    }

    /// <summary>Gives everything back.</summary>
    public void Dispose() => TrySettle(0);
}
