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
        var callers = await _connections.OpenAsync(cancellation).ConfigureAwait(false);
        var workers = callers.Select(caller => Task.Run(() => WorkAsync(caller), CancellationToken.None)).ToArray();
        var warmUp = await WarmUp.RunAsync(() => Tally.Of(callers).Messages, options.Warmup, time, cancellation).ConfigureAwait(false);
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
            var (answered, failed) = await worker.ConfigureAwait(false);
            latencies.Add(answered);
            failures.Add(failed);
        }

        return new BenchResult
        {
            What = What,
            WarmUp = warmUp,
            Done = done,
            Failures = Interlocked.Read(ref _failures),
            FirstFailure = _firstFailure,
            Seconds = seconds,
            Latencies = latencies,
            FailureLatencies = failures,
            Processes = used,
            AllocatedBytes = allocated,
        };
    }

    public ValueTask DisposeAsync() => _connections.DisposeAsync();

    private async Task<(LatencyHistogram Answered, LatencyHistogram Failed)> WorkAsync(ICaller caller)
    {
        var (latencies, failures) = (new LatencyHistogram(), new LatencyHistogram());
        while (!_stopping)
        {
            var failure = await caller.PrepareAsync().ConfigureAwait(false);
            var started = time.GetTimestamp();
            failure ??= await caller.CallAsync().ConfigureAwait(false);
            if (_counting)
            {
                (failure is null ? latencies : failures).Record((long)((time.GetTimestamp() - started) * _nanosecondsPerTick));
            }

            if (failure is not null)
            {
                Interlocked.CompareExchange(ref _firstFailure, failure, null);
                Interlocked.Increment(ref _failures);

                // An endpoint that is gone fails at once: without a pause the loop would burn the processor.
                await Task.Delay(TimeSpan.FromMilliseconds(10), time).ConfigureAwait(false);
            }
        }

        return (latencies, failures);
    }
}
