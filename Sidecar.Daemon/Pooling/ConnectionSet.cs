using System.Runtime.CompilerServices;
using Sidecar.Daemon.Connections;

namespace Sidecar.Daemon.Pooling;

/// <summary>The live connections of a pool: read without a lock, replaced as a whole when one comes or goes.</summary>
internal sealed class ConnectionSet(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly ConditionalWeakTable<IAgentConnection, PooledConnection> _known = [];
    private volatile PooledConnection[] _live = [];
    private CallCounts _past;

    /// <summary>The connections that are live now.</summary>
    public PooledConnection[] Live => _live;

    /// <summary>What became of the calls of all connections there are and were.</summary>
    public CallCounts Counts
    {
        get
        {
            lock (_gate)
            {
                return _live.Aggregate(_past, static (sum, connection) => sum + connection.Figures.Counts);
            }
        }
    }

    /// <summary>Adds a connection.</summary>
    public void Add(PooledConnection connection)
    {
        lock (_gate)
        {
            _live = [.. _live, connection];
        }
    }

    /// <summary>Removes a connection.</summary>
    public void Remove(PooledConnection connection)
    {
        lock (_gate)
        {
            var left = Array.FindAll(_live, other => other != connection);
            _past = left.Length < _live.Length ? _past + connection.Figures.Counts : _past;
            _live = left;
        }
    }

    /// <summary>The one entry for a connection, made when it is first asked for.</summary>
    /// <remarks>What an agent says right after its handshake arrives before the dialler returns; kept here, it is not lost.</remarks>
    public PooledConnection Of(IAgentConnection connection) => _known.GetValue(connection, key => new PooledConnection(key, time));
}
