using System.Collections.Concurrent;

namespace Sidecar.Daemon.Connections;

/// <summary>
/// Objects that are used again, the one first that has rested longest: whoever still holds an old one by mistake meets nobody soon.
/// </summary>
/// <remarks>Safe from any thread; allocates nothing but for its own growth.</remarks>
/// <param name="most">How many it keeps; those beyond are left to the garbage collector.</param>
internal sealed class BoundedPool<T>(int most)
    where T : class
{
    private readonly ConcurrentQueue<T> _free = new();
    private int _count;

    /// <summary>Takes one out; null when there is none.</summary>
    public T? TryRent()
    {
        if (!_free.TryDequeue(out var rested))
        {
            return null;
        }

        Interlocked.Decrement(ref _count);
        return rested;
    }

    /// <summary>Takes one back that nobody uses any more.</summary>
    public void Return(T used)
    {
        if (Interlocked.Increment(ref _count) <= most)
        {
            _free.Enqueue(used);
        }
        else
        {
            Interlocked.Decrement(ref _count);
        }
    }
}
