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
            return _open.Remove(key, out var joined) ? joined : null;
        }
    }

    /// <summary>Takes an exchange out unless another has taken its place; the caller ends it.</summary>
    public void Remove(string key, T joined)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_open.GetValueOrDefault(key), joined))
            {
                _open.Remove(key);
            }
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

        EndAll(static (_, _) => true, Cause.Shutdown, CancelReason.ProxyShutdown);
    }

    private void Sweep() => EndAll(
        static (self, exchange) => self._inspector.Time.GetElapsedTime(exchange.LastEvent) >= self._expiry, Cause.Expired, CancelReason.Timeout);

    private void EndAll(Func<ExchangeDirectory<T>, Exchange, bool> which, Cause cause, CancelReason reason)
    {
        List<KeyValuePair<string, T>> ended;
        lock (_gate)
        {
            ended = [.. _open.Where(pair => which(this, pair.Value.Exchange))];
            foreach (var (key, _) in ended)
            {
                _open.Remove(key);
            }
        }

        foreach (var (_, joined) in ended)
        {
            // Expiry after a verdict is the ordinary end where the proxy does not signal one, so it only weighs when a call still waits.
            joined.Exchange.Expire(cause, reason);
            _inspector.End(joined.Exchange);
        }
    }
}

/// <summary>An exchange that waits in a directory for its next phase; a front end adds what it keeps.</summary>
internal class JoinedExchange(Exchange exchange)
{
    /// <summary>The exchange.</summary>
    public Exchange Exchange => exchange;
}
