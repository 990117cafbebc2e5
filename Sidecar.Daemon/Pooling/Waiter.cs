namespace Sidecar.Daemon.Pooling;

/// <summary>A call that waits for a slot or a connection.</summary>
/// <param name="lease">The only connection of use to it; null when any will do.</param>
internal sealed class Waiter(PooledConnection? lease)
{
    private TaskCompletionSource _woken = New();

    /// <summary>The only connection of use to it; null when any will do.</summary>
    public PooledConnection? Lease => lease;

    /// <summary>Its place in the queue; the room's business.</summary>
    public LinkedListNode<Waiter>? Place { get; set; }

    /// <summary>Whether somebody has woken it since it last looked.</summary>
    public bool IsWoken => Volatile.Read(ref _woken).Task.IsCompleted;

    /// <summary>Forgets that it was woken. Before it looks whether it can go, so that what happens after is not missed.</summary>
    public void Look()
    {
        if (IsWoken)
        {
            Volatile.Write(ref _woken, New());
        }
    }

    /// <summary>Lets it look again. From any thread.</summary>
    public void Wake() => Volatile.Read(ref _woken).TrySetResult();

    /// <summary>Waits to be woken; false when it was not within the limit.</summary>
    public async ValueTask<bool> WaitAsync(TimeSpan limit, TimeProvider time)
    {
        var woken = Volatile.Read(ref _woken);
        await woken.Task.WaitAsync(limit > TimeSpan.Zero ? limit : TimeSpan.Zero, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return woken.Task.IsCompleted;
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
