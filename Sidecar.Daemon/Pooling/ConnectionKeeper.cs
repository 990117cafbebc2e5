using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Connections;

namespace Sidecar.Daemon.Pooling;

/// <summary>Keeps one connection of a pool alive: dials, watches, and dials again, for ever.</summary>
internal sealed class ConnectionKeeper(ConnectionPool pool, IAgentDialer dialer, PoolSettings settings, Random random, TimeProvider time, ILogger logger)
{
    // A connection may be silent for this many health intervals, a ping in each, before it is taken for dead.
    private const int SilentIntervals = 3;

    public async Task RunAsync(CancellationToken stopping)
    {
        var backoff = new Backoff(settings.ReconnectMin, settings.ReconnectMax, random);
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                // A connection that dies as soon as it is up is a failure like one that never came up.
                if (await KeepOneAsync(stopping).ConfigureAwait(false) >= settings.ReconnectMax)
                {
                    backoff.Reset();
                }
            }
            catch (Exception) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (AgentUnreachableException e)
            {
                pool.ReportUnreachable(e.Message);
            }
            catch (Exception e)
            {
                Log.KeeperFailed(logger, settings.AgentId, e);
            }

            await Task.Delay(backoff.Next(), time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Returns how long the connection was up.
    private async Task<TimeSpan> KeepOneAsync(CancellationToken stopping)
    {
        var connection = await dialer.DialAsync(pool, stopping).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            var since = time.GetTimestamp();
            var pooled = pool.Add(connection, dialer.Endpoint);
            try
            {
                await WatchAsync(connection, stopping).ConfigureAwait(false);
            }
            finally
            {
                var cause = connection.Ended.IsCompleted ? await connection.Ended.ConfigureAwait(false) : "the pool stops";
                pool.Remove(pooled, cause);
            }

            return time.GetElapsedTime(since);
        }
    }

    // A pong may be late while a call waits (spec §5.2), so only silence when none does counts. Owed answers are no excuse: an agent that
    // hangs may owe them for ever.
    private async Task WatchAsync(IAgentConnection connection, CancellationToken stopping)
    {
        while (true)
        {
            await ((Task)connection.Ended).WaitAsync(settings.HealthInterval, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (connection.Ended.IsCompleted || stopping.IsCancellationRequested)
            {
                return;
            }

            if (connection.Owed >= connection.Traits.MaxInFlight)
            {
                pool.Replace(connection, $"all of its {connection.Owed} slots are owed answers");
            }
            else if (connection.InFlight > connection.Owed || connection.SilentFor < settings.HealthInterval)
            {
                continue;
            }
            else if (connection.SilentFor >= settings.HealthInterval * SilentIntervals)
            {
                pool.Replace(connection, $"no sign of life for {connection.SilentFor.TotalSeconds:0.0} s");
            }
            else
            {
                connection.Ping();
            }
        }
    }
}
