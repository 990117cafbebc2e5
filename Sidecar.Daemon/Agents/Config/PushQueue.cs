namespace Sidecar.Daemon.Agents.Config;

/// <summary>The pushes to one agent: one at a time, in the order in which they were asked for. Bounded. Safe from any thread.</summary>
internal sealed class PushQueue(ConfigPushSettings settings, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly List<ConfigPush> _pushes = [];
    private Task _tail = Task.CompletedTask;

    /// <summary>Adds a push; false when too many wait.</summary>
    public bool TryAdd(ConfigPush push, Func<ConfigPush, Task> deliver)
    {
        lock (_gate)
        {
            Forget();
            if (_pushes.Count(static other => !other.HasEnded) >= settings.MaxPending)
            {
                return false;
            }

            _pushes.Add(push);
            Chain(() => deliver(push));
            return true;
        }
    }

    /// <summary>Does something in its turn. It must not throw.</summary>
    public void Run(Func<Task> work)
    {
        lock (_gate)
        {
            Chain(work);
        }
    }

    /// <summary>What is known, oldest first.</summary>
    public ConfigPush[] Pushes()
    {
        lock (_gate)
        {
            Forget();
            return [.. _pushes];
        }
    }

    /// <summary>Completes when all that was asked for by now is done.</summary>
    public Task WhenIdleAsync()
    {
        lock (_gate)
        {
            return _tail;
        }
    }

    // On the pool: what is asked for on a read loop must not run there.
    private void Chain(Func<Task> work) =>
        _tail = _tail.ContinueWith(_ => work(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).Unwrap();

    private void Forget()
    {
        var now = time.GetUtcNow();
        _pushes.RemoveAll(push => push.Reading.Ended is { } ended && now - ended > settings.KeepEnded);
        for (var ended = _pushes.Count(static push => push.HasEnded); ended > settings.MaxEnded; ended--)
        {
            _pushes.RemoveAt(_pushes.FindIndex(static push => push.HasEnded));
        }
    }
}
