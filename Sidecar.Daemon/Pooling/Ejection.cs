using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Pooling;

/// <summary>Takes connections whose calls fail in a row out of selection, and brings them back when they have proved that they live (spec §9.3).</summary>
/// <remarks>The proof is an answer to an earlier call, or any byte after a ping of <see cref="ConnectionWatch"/>. Safe from any thread.</remarks>
internal sealed class Ejection(ConnectionPool pool, string agentId, ILogger logger)
{
    /// <summary>A call on a connection has ended.</summary>
    public void Note(PooledConnection connection, CallVerdict verdict)
    {
        if (verdict == CallVerdict.Success)
        {
            Tell(connection, connection.NoteSuccess());
        }
        else if (verdict == CallVerdict.Failure && connection.NoteFailure())
        {
            Log.Ejected(logger, agentId, connection.Connection.Id, PooledConnection.MaxErrors);
            pool.UpdateState($"{PooledConnection.MaxErrors} calls in a row failed on connection {connection.Connection.Id}");
            connection.Watcher?.Set();
        }
    }

    /// <summary>A connection has given a sign of life since it was asked for one.</summary>
    public void Readmit(PooledConnection connection) => Tell(connection, connection.Readmit());

    private void Tell(PooledConnection connection, bool isBack)
    {
        if (isBack)
        {
            Log.Readmitted(logger, agentId, connection.Connection.Id);
            pool.UpdateState($"connection {connection.Connection.Id} takes new exchanges again");
            pool.Admission.ConnectionsChanged();
        }
    }
}
