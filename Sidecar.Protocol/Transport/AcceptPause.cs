using Microsoft.Extensions.Logging;

namespace Sidecar.Protocol.Transport;

/// <summary>
/// How a listener waits while the process has nothing for one more connection: longer and longer, and it says so at a pace.
/// </summary>
/// <remarks>For the one loop that accepts; not synchronised.</remarks>
internal sealed class AcceptPause(SocketListenerOptions options, LogThrottle pace, ILogger logger)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(10);

    // So that a listener is back soon after what it lacked is there again.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    private TimeSpan _last;

    /// <summary>It worked: the next pause is short again.</summary>
    public void Reset() => _last = TimeSpan.Zero;

    /// <summary>Waits after a failed accept.</summary>
    public Task AfterAsync(Exception error, CancellationToken stopping)
    {
        if (pace.MayLog("accept", out var leftOut))
        {
            TransportLog.AcceptFailed(logger, options.Name, error.Message, leftOut);
        }

        return DelayAsync(stopping);
    }

    /// <summary>Waits until the reserve of descriptors is whole.</summary>
    /// <param name="mayWait">Whether to wait at all; asked again and again.</param>
    /// <param name="stopping">Ends the wait.</param>
    public async Task UntilReserveIsWholeAsync(Func<bool> mayWait, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested && mayWait() && !options.Reserve.IsWhole())
        {
            if (pace.MayLog("reserve", out var leftOut))
            {
                TransportLog.ReserveReached(logger, options.Name, options.Reserve.First, leftOut);
            }

            await DelayAsync(stopping).ConfigureAwait(false);
        }

        Reset();
    }

    // Each pause is twice the last one.
    private async Task DelayAsync(CancellationToken stopping)
    {
        _last = TimeSpan.FromTicks(Math.Clamp(2 * _last.Ticks, Shortest.Ticks, Longest.Ticks));
        await Task.Delay(_last, options.Time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
