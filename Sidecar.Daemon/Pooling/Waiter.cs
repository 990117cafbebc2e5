namespace Sidecar.Daemon.Pooling;

/// <summary>A call that waits for a slot or a connection.</summary>
/// <param name="lease">The only connection of use to it; null when any will do.</param>
/// <param name="share">Whose it is, where any connection will do; null else.</param>
internal sealed class Waiter(PooledConnection? lease, QueueShares.Client? share)
{
    private TaskCompletionSource _woken = New();
    private volatile bool _isShed;

    /// <summary>The only connection of use to it; null when any will do.</summary>
    public PooledConnection? Lease => lease;

    /// <summary>Whose it is, where any connection will do; null else.</summary>
    public QueueShares.Client? Share => share;

    /// <summary>Its number in the order of coming.</summary>
    public required long Place { get; init; }

    /// <summary>Whether its seat was given to another.</summary>
    public bool IsShed => _isShed;

    /// <summary>Whether somebody has woken it since it last looked.</summary>
    public bool IsWoken => Volatile.Read(ref _woken).Task.IsCompleted;

    /// <summary>Which of two goes first, below 0 for this one: the route, then the client that is further behind, then the order of coming.</summary>
    public int CompareTo(Waiter other, bool isNewestFirst)
    {
        var by = share!.Route.Virtual.CompareTo(other.Share!.Route.Virtual);
        by = by == 0 && share.Route == other.Share.Route ? share.Virtual.CompareTo(other.Share.Virtual) : by;
        return by != 0 ? by : isNewestFirst ? other.Place.CompareTo(Place) : Place.CompareTo(other.Place);
    }

    /// <summary>Whether its share has more waiting than another, for their weights.</summary>
    /// <param name="other">The other share.</param>
    /// <param name="besides">As many more as that would have.</param>
    public bool IsOfMore(QueueShares.Client other, int besides = 1) => other.Route == share!.Route
        ? other.Waiting + besides < share.Waiting
        : (other.Route.Waiting + besides) * share.Route.Weight < share.Route.Waiting * other.Route.Weight;

    /// <summary>Its seat is given to another. From any thread.</summary>
    public void Shed()
    {
        _isShed = true;
        Wake();
    }

    /// <summary>
    /// Forgets that it was woken, and returns whether it was. Before it looks whether it can go, so that what happens after is not missed.
    /// </summary>
    public bool Look()
    {
        var wasWoken = IsWoken;
        if (wasWoken)
        {
            Volatile.Write(ref _woken, New());
        }

        return wasWoken;
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
