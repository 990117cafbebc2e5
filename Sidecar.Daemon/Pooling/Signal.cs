namespace Sidecar.Daemon.Pooling;

/// <summary>Wakes one waiter. What is set while nobody waits is not lost: the next wait ends at once.</summary>
internal sealed class Signal
{
    private TaskCompletionSource _set = New();

    /// <summary>Ends the wait. From any thread.</summary>
    public void Set() => Volatile.Read(ref _set).TrySetResult();

    /// <summary>Waits until it is set, the limit has passed or the caller is stopped, whichever comes first. For one waiter.</summary>
    /// <remarks>The waiter looks at the world afterwards: what is set between the wait and the look has changed what it sees.</remarks>
    public async Task WaitAsync(TimeSpan limit, TimeProvider time, CancellationToken stopping)
    {
        // A millisecond is the timers' grain: rounded up, so that they do not fire just before the time and the waiter spins.
        var whole = TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling(limit.TotalMilliseconds)));
        var set = Volatile.Read(ref _set);
        await set.Task.WaitAsync(whole, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (set.Task.IsCompleted)
        {
            Volatile.Write(ref _set, New());
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
