namespace Sidecar.Daemon.Cli.Admin;

/// <summary>Looks again and again at what a daemon does by itself.</summary>
internal static class Poll
{
    // More than all attempts of a push (46 s by the defaults) and the drain of an agent (30 s) take; the daemon goes on in any case.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>The last that was seen: what was waited for, or two minutes have passed.</summary>
    /// <param name="seen">What was seen first.</param>
    /// <param name="isOver">Whether it is what is waited for.</param>
    /// <param name="look">Looks again.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public static async Task<T> UntilAsync<T>(T seen, Func<T, bool> isOver, Func<Task<T>> look, CancellationToken cancellation)
    {
        var time = TimeProvider.System;
        for (var started = time.GetTimestamp(); !isOver(seen) && time.GetElapsedTime(started) < Patience;)
        {
            await Task.Delay(Pause, time, cancellation).ConfigureAwait(false);
            seen = await look().ConfigureAwait(false);
        }

        return seen;
    }
}
