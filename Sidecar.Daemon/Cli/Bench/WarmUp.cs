namespace Sidecar.Daemon.Cli.Bench;

/// <summary>How the time before a measurement went.</summary>
/// <param name="IsStable">Whether the rate had ceased to change; else the time was up before it did.</param>
/// <param name="Took">How long it was.</param>
internal readonly record struct WarmUp(bool IsStable, TimeSpan Took)
{
    /// <summary>The rate is taken anew so often.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMilliseconds(200);

    // Two medians of five are compared: up to two windows in either half may be disturbed by whatever else the machine does.
    private const int Half = 5;
    private const double Tolerance = 0.05;

    /// <summary>
    /// Waits until a rate is stable, because code is compiled, caches are filled and connections are open, or the time is up.
    /// </summary>
    /// <param name="count">What has been done so far.</param>
    /// <param name="limit">Longest wait.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Ends the wait early.</param>
    public static async Task<WarmUp> RunAsync(Func<long> count, TimeSpan limit, TimeProvider time, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        var rates = new List<double>();
        var isStable = false;
        while (!isStable && !cancellation.IsCancellationRequested && limit - time.GetElapsedTime(started) is var left
            && left > TimeSpan.Zero)
        {
            var (from, before) = (time.GetTimestamp(), count());
            await Task.Delay(left < Window ? left : Window, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            rates.Add((count() - before) / time.GetElapsedTime(from).TotalSeconds);
            isStable = HaveSettled(rates);
        }

        return new(isStable, time.GetElapsedTime(started));
    }

    private static bool HaveSettled(List<double> rates)
    {
        if (rates.Count < 2 * Half)
        {
            return false;
        }

        var (earlier, later) = (Median(rates[^(2 * Half)..^Half]), Median(rates[^Half..]));

        // One message more or less in a window is chance, also where so few are answered that it is more than the tolerance.
        return Math.Abs(later - earlier) <= Math.Max(Tolerance * earlier, 1 / Window.TotalSeconds);
    }

    private static double Median(List<double> rates) => rates.Order().ElementAt(Half / 2);
}
