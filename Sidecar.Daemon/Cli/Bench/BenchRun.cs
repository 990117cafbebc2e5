namespace Sidecar.Daemon.Cli.Bench;

/// <summary>Drives an endpoint with a fixed number of calls in flight and measures.</summary>
internal sealed class BenchRun(BenchOptions options, TimeProvider time) : IAsyncDisposable
{
    // Nanoseconds of one tick of the clock, as the workers' loop needs them.
    private readonly double _nanosecondsPerTick = 1e9 / time.TimestampFrequency;
    private readonly BenchConnections _connections = new(options, time);
    private volatile bool _counting;
    private volatile bool _stopping;
    private string? _firstFailure;
    private long _failures;

    private string What =>
        options.Raw ? "raw frames"
        : options.Check ? "ext_authz Check"
        : $"{(options.IsGrpc ? "gRPC" : options.Encoding)} {options.Event}{(options.Base64 ? " in base64" : "")}";

    public async Task<BenchResult> RunAsync(CancellationToken cancellation)
    {
        var callers = await _connections.OpenAsync(cancellation);
        var workers = callers.Select(caller => Task.Run(() => WorkAsync(caller), CancellationToken.None)).ToArray();
        var warmUp = await WarmUp.RunAsync(() => Tally.Of(callers).Messages, options.Warmup, time, cancellation);
        MeasuredProcess[] processes = [MeasuredProcess.Client, .. options.Processes];
        var cpu = Array.ConvertAll(processes, static process => ProcessTimes.Read(process.Pid));
        var bytes = GC.GetTotalAllocatedBytes(precise: true);
        var started = time.GetTimestamp();
        var before = Tally.Of(callers);
        _counting = true;
        await Task.Delay(options.Duration, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _counting = false;
        var done = Tally.Of(callers) - before;
        var seconds = time.GetElapsedTime(started).TotalSeconds;
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - bytes;
        var used = processes.Select((process, i) => (process.Name, ProcessTimes.Between(cpu[i], ProcessTimes.Read(process.Pid)))).ToList();
        _stopping = true;
        var (latencies, failures) = (new LatencyHistogram(), new LatencyHistogram());
        foreach (var worker in workers)
        {
            var (answered, failed) = await worker;
            latencies.Add(answered);
            failures.Add(failed);
        }

        return new BenchResult(
            What, warmUp, done, Interlocked.Read(ref _failures), _firstFailure, seconds, latencies, failures, used, allocated);
    }

    public ValueTask DisposeAsync() => _connections.DisposeAsync();

    private async Task<(LatencyHistogram Answered, LatencyHistogram Failed)> WorkAsync(ICaller caller)
    {
        var (latencies, failures) = (new LatencyHistogram(), new LatencyHistogram());
        while (!_stopping)
        {
            var failure = await caller.PrepareAsync();
            var started = time.GetTimestamp();
            failure ??= await caller.CallAsync();
            if (_counting)
            {
                (failure is null ? latencies : failures).Record((long)((time.GetTimestamp() - started) * _nanosecondsPerTick));
            }

            if (failure is not null)
            {
                Interlocked.CompareExchange(ref _firstFailure, failure, null);
                Interlocked.Increment(ref _failures);

                // An endpoint that is gone fails at once: without a pause the loop would burn the processor.
                await Task.Delay(TimeSpan.FromMilliseconds(10), time);
            }
        }

        return (latencies, failures);
    }
}

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
