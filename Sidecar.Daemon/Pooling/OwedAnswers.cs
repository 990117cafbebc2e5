namespace Sidecar.Daemon.Pooling;

/// <summary>
/// Answers that an agent version owes to calls whose time was up: it works on them all the same, so they count as in flight. Connections
/// whose debts fill the limit for long are replaced (rule 6): what is owed for so long will not come by itself.
/// </summary>
/// <remarks>Safe from any thread.</remarks>
internal sealed class OwedAnswers(ConnectionPool pool, CallLimit limit, TimeProvider time)
{
    // As many times what a call takes may they fill the limit.
    private const int MostTimes = 10;

    // However quick its calls are: a pause of its runtime is no end.
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);

    // Since when they do, a timestamp; 0 when they do not.
    private long _filledSince;

    /// <summary>How many there are.</summary>
    public int Count()
    {
        var owed = 0;
        foreach (var connection in pool.LiveSpan)
        {
            owed += connection.Connection.Stats.Owed;
        }

        return owed;
    }

    /// <summary>One has come.</summary>
    public void OnPaid() => Volatile.Write(ref _filledSince, 0);

    /// <summary>Looks whether they fill the limit, and for too long.</summary>
    /// <param name="owed">How many there are.</param>
    public void Look(int owed)
    {
        if (owed < limit.Current)
        {
            if (Volatile.Read(ref _filledSince) != 0)
            {
                OnPaid();
            }

            return;
        }

        var now = time.GetTimestamp();
        if (Interlocked.CompareExchange(ref _filledSince, now, 0) is not 0 and var since
            && time.GetElapsedTime(since, now) is var filledFor
            && filledFor >= Least
            && filledFor >= MostTimes * limit.CallTime)
        {
            OnPaid();
            foreach (var pooled in pool.Live.Where(static pooled => pooled.Connection.Stats.Owed > 0))
            {
                pool.Replace(pooled.Connection, $"for {filledFor.TotalSeconds:0.0} s {owed} answers that are owed have filled the limit of {limit.Current} calls");
            }
        }
    }
}
