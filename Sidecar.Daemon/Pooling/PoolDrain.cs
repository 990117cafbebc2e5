using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Pooling;

/// <summary>
/// Lets the calls of a pool that is being closed finish, for as long as they may (spec §9.7). What is left is cancelled when its connection is closed.
/// </summary>
internal static class PoolDrain
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Returns when no call is under way any more, or the time is up; nothing new may be chosen by then.</summary>
    /// <param name="set">The pool's connections.</param>
    /// <param name="agent">The agent's id, for the log.</param>
    /// <param name="drain">How long calls under way may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <param name="abort">Ends that wait.</param>
    public static async Task RunAsync(ConnectionSet set, string agent, TimeSpan drain, TimeProvider time, ILogger logger, CancellationToken abort)
    {
        var started = time.GetTimestamp();
        while (Waiting(set) > 0 && !abort.IsCancellationRequested && time.GetElapsedTime(started) < drain)
        {
            await Task.Delay(Pause, time, abort).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (Waiting(set) is > 0 and var left)
        {
            Log.NotDrained(logger, agent, left, drain);
        }
    }

    // Owed answers are nobody's any more: they must not hold up the end.
    private static int Waiting(ConnectionSet set) => set.Live.Sum(static connection => connection.Connection.Stats.Waiting);
}
