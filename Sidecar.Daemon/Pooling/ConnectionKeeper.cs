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
                var started = time.GetTimestamp();
                await KeepOneAsync(stopping).ConfigureAwait(false);

                // A connection that dies as soon as it is up is a failure like one that never came up.
                if (time.GetElapsedTime(started) >= settings.ReconnectMax)
                {
                    backoff.Reset();
                }
            }
            catch (AgentUnreachableException e)
            {
                pool.ReportUnreachable(e.Message);
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                Log.KeeperFailed(logger, settings.AgentId, e);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(backoff.Next(), time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task KeepOneAsync(CancellationToken stopping)
    {
        var connection = await dialer.DialAsync(pool, stopping).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
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
        }
    }

    // A pong may be late while calls are outstanding (spec §5.2), so only silence with nothing outstanding counts.
    private async Task WatchAsync(IAgentConnection connection, CancellationToken stopping)
    {
        var stop = Task.Delay(Timeout.InfiniteTimeSpan, time, stopping);
        while (true)
        {
            var interval = Task.Delay(settings.HealthInterval, time, stopping);
            var first = await Task.WhenAny(connection.Ended, interval, stop).ConfigureAwait(false);
            if (first == connection.Ended || stopping.IsCancellationRequested)
            {
                return;
            }

            if (connection.InFlight > 0 || connection.SilentFor < settings.HealthInterval)
            {
                continue;
            }

            if (connection.SilentFor >= settings.HealthInterval * SilentIntervals)
            {
                var cause = $"no sign of life for {connection.SilentFor.TotalSeconds:0.0} s";
                Log.Replaced(logger, settings.AgentId, cause);
                connection.Abort(cause);
                continue;
            }

            connection.Ping();
        }
    }
}
