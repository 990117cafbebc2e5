using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>The open exchanges of a listener by the proxy's own id, for front ends that must join phases. Bounded and expiring.</summary>
/// <remarks>One that is over but for an end that its proxy may never announce makes way for a new one when the directory is full.</remarks>
/// <typeparam name="T">An exchange with what its front end keeps between the phases.</typeparam>
internal sealed class ExchangeDirectory<T> : IDisposable
    where T : JoinedExchange
{
    // An id of ours takes some 100 bytes, an open exchange some KiB.
    private const int EndedPerOpen = 4;

    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<CorrelationId, T> _open = [];
    private readonly LinkedList<CorrelationId> _finished = new();
    private readonly EndedExchanges _ended;
    private readonly Inspector _inspector;
    private readonly ITimer _sweeper;
    private TaskCompletionSource? _empty;
    private bool _disposed;

    /// <summary>An empty directory; its bounds are those of the newest model.</summary>
    public ExchangeDirectory(Inspector inspector)
    {
        _inspector = inspector;
        _ended = new EndedExchanges(inspector.Time, () => Expiry, () => (long)Limit * EndedPerOpen);
        _sweeper = inspector.Time.CreateTimer(static state => ((ExchangeDirectory<T>)state!).Sweep(), this, SweepInterval, SweepInterval);
    }

    /// <summary>Exchanges open now.</summary>
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

    private int Limit => _inspector.Model.Configuration.MaxExchanges;

    private TimeSpan Expiry => _inspector.Model.Configuration.ExchangeExpiry;

    /// <summary>Adds an exchange. One that is open under the same id is superseded: its calls are cancelled and it ends.</summary>
    /// <returns>False when the directory is full of exchanges that are not over, or closed because the listener stops.</returns>
    public bool TryAdd(CorrelationId key, T joined)
    {
        T? old;
        T? finished = null;
        lock (_gate)
        {
            if (_disposed)
            {
                return false;
            }

            old = TakeOut(key);
            if (old is null && _open.Count >= Limit && (finished = TakeFinished()) is null)
            {
                return false;
            }

            _ended.Remove(key);
            _open.Add(key, joined);
        }

        if (old is not null)
        {
            old.Exchange.Abandon(Cause.Superseded, CancelReason.Manual);
            _inspector.End(old.Exchange);
        }

        if (finished is not null)
        {
            _inspector.End(finished.Exchange);
        }

        return true;
    }

    /// <summary>No agent wants more of it: it stays for what may still be told, and makes way for others when there is no room.</summary>
    public void Finish(CorrelationId key, T joined)
    {
        lock (_gate)
        {
            if (joined.Place is null && ReferenceEquals(_open.GetValueOrDefault(key), joined))
            {
                joined.Place = _finished.AddLast(key);
            }
        }
    }

    /// <summary>No agent wants more of it, and nobody is to hear of its end: it ends, unless something is being told of it now.</summary>
    public void Conclude(CorrelationId key, T joined)
    {
        lock (_gate)
        {
            if (!ReferenceEquals(_open.GetValueOrDefault(key), joined) || !joined.TryClose())
            {
                return;
            }

            _ended.Add(key, joined.Awaited);
            TakeOut(key);
        }

        _inspector.End(joined.Exchange);
    }

    /// <summary>Whether the exchange of this id has ended early, and no agent wanted what is told of it now.</summary>
    /// <param name="key">The id.</param>
    /// <param name="told">What is told.</param>
    public bool HasEnded(CorrelationId key, EventSet told = EventSet.None)
    {
        lock (_gate)
        {
            return _ended.Covers(key, told);
        }
    }

    /// <summary>The open exchange of this id, or null.</summary>
    public T? Find(CorrelationId key)
    {
        lock (_gate)
        {
            return _open.GetValueOrDefault(key);
        }
    }

    /// <summary>Takes an exchange out, of which nothing more will be told; the caller ends it.</summary>
    /// <param name="key">Its id.</param>
    /// <param name="isKnown">Whether it was open, or has ended early.</param>
    public T? Remove(CorrelationId key, out bool isKnown)
    {
        lock (_gate)
        {
            var joined = Take(key);
            isKnown = _ended.Remove(key) || joined is not null;
            TellIfEmpty();
            return joined;
        }
    }

    /// <inheritdoc cref="Remove(CorrelationId, out bool)"/>
    public T? Remove(CorrelationId key) => Remove(key, out _);

    /// <summary>Takes an exchange out unless another has taken its place; the caller ends it.</summary>
    public void Remove(CorrelationId key, T joined)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_open.GetValueOrDefault(key), joined))
            {
                Take(key);
            }
        }
    }

    /// <summary>
    /// Waits until none is open and nothing more can be told of those that ended early, or until the token fires. Each expires, so this
    /// ends where nothing new is added.
    /// </summary>
    public async Task WhenEmptyAsync(CancellationToken timeIsUp)
    {
        while (!timeIsUp.IsCancellationRequested)
        {
            Task empty;
            lock (_gate)
            {
                if (_open.Count + _ended.Count == 0)
                {
                    return;
                }

                empty = (_empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            await empty.WaitAsync(timeIsUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Ends those that nobody will go on with: whoever asked about them is gone.</summary>
    public void Abandon(Func<T, bool> which, Cause cause, CancelReason reason)
    {
        foreach (var joined in TakeWhere(which))
        {
            joined.Exchange.Abandon(cause, reason);
            _inspector.End(joined.Exchange);
        }
    }

    /// <summary>Ends all exchanges: the listener stops.</summary>
    public void Dispose()
    {
        _sweeper.Dispose();
        lock (_gate)
        {
            _disposed = true;
        }

        EndAll(static _ => true, Cause.Shutdown, Cause.Shutdown, CancelReason.ProxyShutdown);
    }

    private void Sweep()
    {
        bool HasExpired(T joined) => _inspector.Time.GetElapsedTime(joined.Exchange.LastEvent) >= Expiry;
        EndAll(HasExpired, Cause.Expired, Cause.NoResponse, CancelReason.Timeout);
        lock (_gate)
        {
            _ended.Sweep();
            TellIfEmpty();
        }
    }

    private void EndAll(Func<T, bool> which, Cause cause, Cause unanswered, CancelReason reason)
    {
        foreach (var joined in TakeWhere(which))
        {
            // Expiry after a verdict is the ordinary end where the proxy does not signal one, so it weighs only when a call still waits, or
            // when the proxy was told to ask about the response and did not: then nobody knows that it heard the verdict.
            joined.Exchange.Expire(cause, reason);
            if (joined.AwaitsResponse)
            {
                joined.Exchange.MissResponse(unanswered);
            }

            _inspector.End(joined.Exchange);
        }
    }

    private List<T> TakeWhere(Func<T, bool> which)
    {
        lock (_gate)
        {
            var taken = _open.Where(pair => which(pair.Value)).ToList();
            taken.ForEach(pair => Take(pair.Key));
            return taken.ConvertAll(static pair => pair.Value);
        }
    }

    // Under the lock, as those below.
    private T? Take(CorrelationId key)
    {
        var joined = TakeOut(key);
        TellIfEmpty();
        return joined;
    }

    private T? TakeOut(CorrelationId key)
    {
        if (!_open.Remove(key, out var joined))
        {
            return null;
        }

        if (joined.Place is { } place)
        {
            _finished.Remove(place);
            joined.Place = null;
        }

        return joined;
    }

    // The oldest of which nothing is being told.
    private T? TakeFinished()
    {
        for (var place = _finished.First; place is not null; place = place.Next)
        {
            var joined = _open[place.Value];
            if (joined.TryClose())
            {
                var key = place.Value;
                if (!joined.IsRefused)
                {
                    _ended.Add(key, joined.Awaited);
                }

                return TakeOut(key);
            }
        }

        return null;
    }

    private void TellIfEmpty()
    {
        if (_open.Count + _ended.Count == 0)
        {
            _empty?.TrySetResult();
            _empty = null;
        }
    }
}
