using System.Globalization;
using Microsoft.Extensions.Hosting;

namespace Sidecar.Daemon.Hosting;

/// <summary>Tells systemd three times in each <c>WatchdogSec=</c> that the daemon lives: one that hangs is killed and started again.</summary>
/// <remarks>
/// A sign starts with a timer and is sent by a thread of the pool, which is what every request needs: when requests can no longer be answered,
/// signs no longer come. They end with the stop, from when on systemd no longer waits for any.
/// </remarks>
/// <param name="notifier">Sends them.</param>
/// <param name="limit">The longest time between two signs as systemd wants it; null where it wants none.</param>
/// <param name="time">When the next is due.</param>
internal sealed class SystemdWatchdog(SystemdNotifier notifier, TimeSpan? limit, TimeProvider time) : BackgroundService
{
    private const int SignsInTheLimit = 3;

    /// <summary>What systemd wants of this process, by <c>WATCHDOG_USEC</c> and <c>WATCHDOG_PID</c> (sd_watchdog_enabled(3)).</summary>
    /// <param name="microseconds">The limit; null or no positive number means that no sign is wanted.</param>
    /// <param name="process">The process that is meant, as a number; null means whoever reads it.</param>
    /// <returns>The limit, or null where no sign is wanted of this process.</returns>
    public static TimeSpan? LimitOf(string? microseconds, string? process) =>
        long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
        && limit is > 0 and <= long.MaxValue / TimeSpan.TicksPerMicrosecond
        && (process is null || process == Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
            ? TimeSpan.FromTicks(limit * TimeSpan.TicksPerMicrosecond)
            : null;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (limit is null || !notifier.IsEnabled)
        {
            return;
        }

        while (!stoppingToken.IsCancellationRequested)
        {
            notifier.Alive();
            await Task.Delay(limit.Value / SignsInTheLimit, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
