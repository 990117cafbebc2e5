using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Pooling;

/// <summary>Takes connections whose calls fail in a row out of selection, and brings them back when they have proved that they live (spec §9.3).</summary>
/// <remarks>
/// The proof is an answer to an earlier call, or any byte after a ping of <see cref="ConnectionWatch"/>. While the agent answers at all, on
/// whichever connection, only a part of them is taken out: its calls fail for another reason than a bad connection then, and others would
/// have to carry what these no longer do. A connection that comes and goes is told once in a while. Safe from any thread.
/// </remarks>
internal sealed class Ejection(ConnectionPool pool, string agentId, TimeProvider time, ILogger logger)
{
    // An agent that has answered within this time answers.
    private static readonly TimeSpan Answering = TimeSpan.FromSeconds(2);

    // Two lines of an agent's connections are at least so far apart.
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);

    private long _answered = long.MinValue;
    private long _told = long.MinValue;

    /// <summary>A call on a connection has ended.</summary>
    public void Note(PooledConnection connection, CallVerdict verdict, long now)
    {
        if (verdict == CallVerdict.Success)
        {
            Volatile.Write(ref _answered, now);
            Tell(connection, connection.NoteSuccess());
        }
        else if (verdict == CallVerdict.Failure && connection.NoteFailure(MayGo(now)))
        {
            if (MayTell(now))
            {
                Log.Ejected(logger, agentId, connection.Connection.Id, PooledConnection.MaxErrors);
            }

            pool.UpdateState($"{PooledConnection.MaxErrors} calls in a row failed on connection {connection.Connection.Id}");
            connection.Watcher?.Set();
        }
    }

    /// <summary>A connection has given a sign of life since it was asked for one.</summary>
    public void Readmit(PooledConnection connection) => Tell(connection, connection.Readmit());

    // Another failure at the same moment may see the same others: one more than the share is out for a while then.
    private bool MayGo(long now)
    {
        if (_answered == long.MinValue || time.GetElapsedTime(Volatile.Read(ref _answered), now) > Answering)
        {
            return true;
        }

        var (gone, all) = (0, 0);
        foreach (var live in pool.LiveSpan)
        {
            (gone, all) = (gone + (live.IsEjected ? 1 : 0), all + 1);
        }

        return (gone + 1) * 100 <= all * pool.Settings.MaxEjectedPercent;
    }

    private void Tell(PooledConnection connection, bool isBack)
    {
        if (isBack)
        {
            if (MayTell(time.GetTimestamp()))
            {
                Log.Readmitted(logger, agentId, connection.Connection.Id);
            }

            pool.UpdateState($"connection {connection.Connection.Id} takes new exchanges again");
            pool.Admission.ConnectionsChanged();
        }
    }

    private bool MayTell(long now)
    {
        var told = Volatile.Read(ref _told);
        return (told == long.MinValue || time.GetElapsedTime(told, now) >= Quiet) && Interlocked.CompareExchange(ref _told, now, told) == told;
    }
}
