using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Ledger;

/// <summary>
/// Ids of exchanges that have ended because no agent wanted more of them: what their proxy tells of them all the same is nothing that
/// anybody missed. Bounded and expiring; not safe from several threads.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="expiry">How long an id is kept, as of now.</param>
/// <param name="limit">
/// Most ids, as of now; beyond it the oldest goes, and what is told of it then is of an exchange that nobody knows.
/// </param>
internal sealed class EndedExchanges(TimeProvider time, Func<TimeSpan> expiry, Func<long> limit)
{
    private readonly Dictionary<CorrelationId, Ended> _ended = [];
    private readonly Queue<(CorrelationId Key, long At)> _order = new();

    /// <summary>How many there are.</summary>
    public int Count => _ended.Count;

    /// <summary>Keeps an id.</summary>
    /// <param name="key">The id.</param>
    /// <param name="awaited">What agents wanted of it that had not come.</param>
    public void Add(CorrelationId key, EventSet awaited)
    {
        var now = time.GetTimestamp();
        _ended[key] = new Ended(now, awaited);
        _order.Enqueue((key, now));
        while (_order.Count > limit())
        {
            Forget();
        }
    }

    /// <summary>Whether something told of this id is what no agent wanted.</summary>
    /// <param name="key">The id.</param>
    /// <param name="told">What is told.</param>
    public bool Covers(CorrelationId key, EventSet told) => _ended.TryGetValue(key, out var ended) && (ended.Awaited & told) == 0;

    /// <summary>The id begins anew, or its end was announced.</summary>
    public bool Remove(CorrelationId key) => _ended.Remove(key);

    /// <summary>Forgets what has been kept for long enough.</summary>
    public void Sweep()
    {
        while (_order.TryPeek(out var oldest) && time.GetElapsedTime(oldest.At) >= expiry())
        {
            Forget();
        }
    }

    // An id that was taken out, and perhaps added again since, has left its old place behind.
    private void Forget()
    {
        var (key, at) = _order.Dequeue();
        if (_ended.TryGetValue(key, out var ended) && ended.At == at)
        {
            _ended.Remove(key);
        }
    }

    private readonly record struct Ended(long At, EventSet Awaited);
}
