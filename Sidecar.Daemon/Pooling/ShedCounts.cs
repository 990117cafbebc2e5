namespace Sidecar.Daemon.Pooling;

/// <summary>Calls that were refused before they were sent because they could not have been answered in time. Safe from any thread.</summary>
internal sealed class ShedCounts(TimeProvider time)
{
    // A client that is told to come back sooner would be refused again; one that is told later than this stays away from an agent that is well.
    private const int LongestRetry = 30;

    private readonly FailureWindow _lately = new(TimeSpan.FromSeconds(1), time);
    private long _count;

    /// <summary>All so far.</summary>
    public long Count => Volatile.Read(ref _count);

    /// <summary>One more.</summary>
    public void Add()
    {
        Interlocked.Increment(ref _count);
        _lately.Add(failed: true);
    }

    /// <summary>After how many whole seconds those refused of late could be served besides what keeps coming, 1 to 30.</summary>
    /// <param name="slot">After how long one more call can be served.</param>
    public int RetryAfter(TimeSpan slot) => (int)Math.Clamp(Math.Ceiling(_lately.Sum().Failures * slot.TotalSeconds), 1, LongestRetry);
}
