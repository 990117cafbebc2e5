using Sidecar.Daemon.Agents;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>The open exchanges of a listener by the proxy's own id, for front ends that must join phases. Bounded and expiring.</summary>
internal sealed class ExchangeDirectory : IDisposable
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Exchange> _open = new(StringComparer.Ordinal);
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
        _sweeper = inspector.Time.CreateTimer(static state => ((ExchangeDirectory)state!).Sweep(), this, SweepInterval, SweepInterval);
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
    public bool TryAdd(string key, Exchange exchange)
    {
        Exchange? old = null;
        lock (_gate)
        {
            if (_disposed || (!_open.Remove(key, out old) && _open.Count >= _limit))
            {
                return false;
            }

            _open.Add(key, exchange);
        }

        if (old is not null)
        {
            old.Abandon(Cause.Superseded, CancelReason.Manual);
            _inspector.End(old);
        }

        return true;
    }

    /// <summary>The open exchange of this id, or null.</summary>
    public Exchange? Find(string key)
    {
        lock (_gate)
        {
            return _open.GetValueOrDefault(key);
        }
    }

    /// <summary>Takes an exchange out; the caller ends it.</summary>
    public Exchange? Remove(string key)
    {
        lock (_gate)
        {
            return _open.Remove(key, out var exchange) ? exchange : null;
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

    private void EndAll(Func<ExchangeDirectory, Exchange, bool> which, Cause cause, CancelReason reason)
    {
        List<KeyValuePair<string, Exchange>> ended;
        lock (_gate)
        {
            ended = [.. _open.Where(pair => which(this, pair.Value))];
            foreach (var (key, _) in ended)
            {
                _open.Remove(key);
            }
        }

        foreach (var (_, exchange) in ended)
        {
            // Expiry after a verdict is the ordinary end where the proxy does not signal one, so it only weighs when a call still waits.
            exchange.Expire(cause, reason);
            _inspector.End(exchange);
        }
    }
}
