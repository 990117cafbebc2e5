using Sidecar.Daemon.Agents;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>The open exchanges of a listener by the proxy's own id, for front ends that must join phases. Bounded and expiring.</summary>
/// <typeparam name="T">An exchange with what its front end keeps between the phases.</typeparam>
internal sealed class ExchangeDirectory<T> : IDisposable
    where T : JoinedExchange
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, T> _open = new(StringComparer.Ordinal);
    private readonly Inspector _inspector;
    private readonly TimeSpan _expiry;
    private readonly int _limit;
    private readonly ITimer _sweeper;
    private TaskCompletionSource? _empty;
    private bool _disposed;

    public ExchangeDirectory(Inspector inspector, int limit, TimeSpan expiry)
    {
        _inspector = inspector;
        _limit = limit;
        _expiry = expiry;
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

    /// <summary>Adds an exchange. One that is open under the same id is superseded: its calls are cancelled and it ends.</summary>
    /// <returns>False when the directory is full, or closed because the listener stops.</returns>
    public bool TryAdd(string key, T joined)
    {
        T? old = null;
        lock (_gate)
        {
            if (_disposed || (!_open.Remove(key, out old) && _open.Count >= _limit))
            {
                return false;
            }

            _open.Add(key, joined);
        }

        if (old is not null)
        {
            old.Exchange.Abandon(Cause.Superseded, CancelReason.Manual);
            _inspector.End(old.Exchange);
        }

        return true;
    }

    /// <summary>The open exchange of this id, or null.</summary>
    public T? Find(string key)
    {
        lock (_gate)
        {
            return _open.GetValueOrDefault(key);
        }
    }

    /// <summary>Takes an exchange out; the caller ends it.</summary>
    public T? Remove(string key)
    {
        lock (_gate)
        {
            return Take(key);
        }
    }

    /// <summary>Takes an exchange out unless another has taken its place; the caller ends it.</summary>
    public void Remove(string key, T joined)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_open.GetValueOrDefault(key), joined))
            {
                Take(key);
            }
        }
    }

    /// <summary>Waits until none is open, or until the token fires. Each expires, so this ends where nothing new is added.</summary>
    public async Task WhenEmptyAsync(CancellationToken timeIsUp)
    {
        while (!timeIsUp.IsCancellationRequested)
        {
            Task empty;
            lock (_gate)
            {
                if (_open.Count == 0)
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

    private void Sweep() => EndAll(
        joined => _inspector.Time.GetElapsedTime(joined.Exchange.LastEvent) >= _expiry, Cause.Expired, Cause.NoResponse, CancelReason.Timeout);

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

    // Under the lock.
    private T? Take(string key)
    {
        if (!_open.Remove(key, out var joined))
        {
            return null;
        }

        if (_open.Count == 0)
        {
            _empty?.TrySetResult();
            _empty = null;
        }

        return joined;
    }
}

/// <summary>An exchange that waits in a directory for its next phase; a front end adds what it keeps.</summary>
internal class JoinedExchange(Exchange exchange)
{
    private volatile bool _awaitsResponse;

    /// <summary>The exchange.</summary>
    public Exchange Exchange => exchange;

    /// <summary>Whether the proxy was told that agents want the response, and has not asked about it yet.</summary>
    public bool AwaitsResponse
    {
        get => _awaitsResponse;
        set => _awaitsResponse = value;
    }
}
