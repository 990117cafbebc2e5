using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Pooling;

/// <summary>
/// Looks after one live connection: pings it while it idles, replaces it when it is dead or stuck, brings it back when it has proved that it lives.
/// </summary>
/// <remarks>For one task.</remarks>
internal sealed class ConnectionWatch(ConnectionPool pool, PooledConnection pooled, Random random, TimeProvider time)
{
    // A connection may be silent for this many health intervals, a ping in each, before it is taken for dead.
    private const int SilentIntervals = 3;

    // Each ejection soon after the last one keeps the connection out for longer.
    private readonly Backoff _probation = new(pool.Settings.ReconnectMin, pool.Settings.HealthInterval, random);
    private TimeSpan _probe;
    private long _probedAt;
    private long _readmittedAt = time.GetTimestamp();
    private bool _isProbed;

    /// <summary>How long after the last look the next is due.</summary>
    public TimeSpan NextLook => _isProbed ? _probe : pool.Settings.HealthInterval;

    /// <summary>Whether it is time to look, so long after the last look.</summary>
    public bool IsDue(TimeSpan since) => since >= NextLook || (pooled.IsEjected && !_isProbed);

    /// <summary>Does what is due.</summary>
    public void Look()
    {
        var connection = pooled.Connection;
        pool.UpdateState("a look at its connections");
        pool.Sticky.Sweep();
        pool.Observer?.OnLook();
        var stats = connection.Stats;
        var silentFor = time.GetElapsedTime(stats.LastHeard);
        if (stats.Owed >= connection.Traits.MaxInFlight)
        {
            pool.Replace(connection, $"all of its {stats.Owed} slots are owed answers");
        }
        else if (connection.Traits.CanPing && stats.Waiting <= 0 && silentFor >= pool.Settings.HealthInterval * SilentIntervals)
        {
            // A pong may be late while a call waits (spec §5.2), so only silence when none does counts. Owed answers are no excuse: an agent
            // that hangs may owe them for ever.
            pool.Replace(connection, $"no sign of life for {silentFor.TotalSeconds:0.0} s");
        }
        else if (pooled.IsEjected)
        {
            Probe();
        }
        else
        {
            _isProbed = false;
            if (stats.Waiting <= 0 && silentFor >= pool.Settings.HealthInterval)
            {
                connection.Ping();
            }
        }
    }

    // Any byte that comes after the ping is a sign of life. One that cannot be pinged is tried again when its time has passed.
    private void Probe()
    {
        var connection = pooled.Connection;
        if (_isProbed && (!connection.Traits.CanPing || pooled.SilentFor < time.GetElapsedTime(_probedAt)))
        {
            (_isProbed, _readmittedAt) = (false, time.GetTimestamp());
            pool.Ejection.Readmit(pooled);
            return;
        }

        if (!_isProbed)
        {
            if (time.GetElapsedTime(_readmittedAt) >= pool.Settings.HealthInterval)
            {
                _probation.Reset();
            }

            (_isProbed, _probedAt) = (true, time.GetTimestamp());
            connection.Ping();
        }

        _probe = _probation.Next();
    }
}
