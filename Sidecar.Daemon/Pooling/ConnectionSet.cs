using Sidecar.Daemon.Connections;

namespace Sidecar.Daemon.Pooling;

/// <summary>The live connections of a pool: read without a lock, replaced as a whole when one comes or goes.</summary>
internal sealed class ConnectionSet
{
    private readonly Lock _gate = new();
    private volatile PooledConnection[] _live = [];

    /// <summary>The connections that are live now.</summary>
    public PooledConnection[] Live => _live;

    /// <summary>Adds a connection; true when it is the first.</summary>
    public bool Add(PooledConnection connection)
    {
        lock (_gate)
        {
            _live = [.. _live, connection];
            return _live.Length == 1;
        }
    }

    /// <summary>Removes a connection; true when it was the last.</summary>
    public bool Remove(PooledConnection connection)
    {
        lock (_gate)
        {
            _live = Array.FindAll(_live, other => other != connection);
            return _live.Length == 0;
        }
    }

    /// <summary>The pool's entry for a connection; null when it is no longer or not yet in the set.</summary>
    public PooledConnection? Find(IAgentConnection connection) => Array.Find(_live, pooled => pooled.Connection == connection);
}
