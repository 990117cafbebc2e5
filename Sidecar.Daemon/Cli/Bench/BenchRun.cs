using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>Drives an endpoint with a fixed number of calls in flight and measures.</summary>
internal sealed class BenchRun(BenchOptions options, TimeProvider time) : IAsyncDisposable
{
    // Nanoseconds of one tick of the clock, as the workers' loop needs them.
    private readonly double _nanosecondsPerTick = 1e9 / time.TimestampFrequency;
    private readonly List<IAsyncDisposable> _open = [];
    private volatile bool _counting;
    private volatile bool _stopping;
    private string? _firstFailure;
    private long _failures;

    public async Task<BenchResult> RunAsync(CancellationToken cancellation)
    {
        var callers = options.Raw ? await OpenRawAsync(cancellation).ConfigureAwait(false) : await OpenAsync(cancellation).ConfigureAwait(false);
        var workers = callers.Select(caller => Task.Run(() => WorkAsync(caller), CancellationToken.None)).ToArray();
        await Task.Delay(options.Warmup, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var process = Process.GetCurrentProcess();
        var cpu = process.TotalProcessorTime;
        var bytes = GC.GetTotalAllocatedBytes(precise: true);
        var started = time.GetTimestamp();
        _counting = true;
        await Task.Delay(options.Duration, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _counting = false;
        var seconds = time.GetElapsedTime(started).TotalSeconds;
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - bytes;
        process.Refresh();
        cpu = process.TotalProcessorTime - cpu;
        _stopping = true;
        var latencies = new LatencyHistogram();
        foreach (var worker in workers)
        {
            latencies.Add(await worker.ConfigureAwait(false));
        }

        return new BenchResult
        {
            What = options.Raw ? "raw frames" : $"{(options.IsGrpc ? "gRPC" : options.Encoding)} {options.Event}{(options.Base64 ? " in base64" : "")}",
            Calls = latencies.Count,
            Failures = Interlocked.Read(ref _failures),
            FirstFailure = _firstFailure,
            Seconds = seconds,
            P50 = latencies.Percentile(0.5),
            P90 = latencies.Percentile(0.9),
            P99 = latencies.Percentile(0.99),
            P999 = latencies.Percentile(0.999),
            CpuPerCall = cpu.TotalMicroseconds / Math.Max(1, latencies.Count),
            BytesPerCall = (double)allocated / Math.Max(1, latencies.Count),
        };
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var resource in _open)
        {
            await resource.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<LatencyHistogram> WorkAsync(ICaller caller)
    {
        var latencies = new LatencyHistogram();
        while (!_stopping)
        {
            var failure = await caller.PrepareAsync().ConfigureAwait(false);
            var started = time.GetTimestamp();
            failure ??= await caller.CallAsync().ConfigureAwait(false);
            if (failure is not null)
            {
                Interlocked.CompareExchange(ref _firstFailure, failure, null);
                Interlocked.Increment(ref _failures);

                // An endpoint that is gone fails at once: without a pause the loop would burn the processor.
                await Task.Delay(TimeSpan.FromMilliseconds(10), time).ConfigureAwait(false);
            }
            else if (_counting)
            {
                latencies.Record((long)((time.GetTimestamp() - started) * _nanosecondsPerTick));
            }
        }

        return latencies;
    }

    private async Task<List<ICaller>> OpenAsync(CancellationToken cancellation)
    {
        var ids = new ExchangeIds();
        var settings = new ConnectionSettings
        {
            AgentId = "bench",
            MaxInFlight = Math.Max(1, options.Concurrency),
            ConnectTimeout = TimeSpan.FromSeconds(5),
            Encodings = [options.Encoding],
            ProxyVersion = DaemonVersion.Text,
            UsesRawBodies = !options.Base64,
        };
        var callers = new List<ICaller>();
        for (var i = 0; i < options.Connections; i++)
        {
            var dialer = AgentDialers.Create(options.Connect, settings, options.Tls, time, NullLoggerFactory.Instance);
            var connection = await dialer.DialAsync(NoSink.Instance, cancellation).ConfigureAwait(false);
            _open.Add(connection);
            if (connection.Encoding != options.Encoding && !options.IsGrpc)
            {
                throw new AgentUnreachableException($"the agent at {options.Connect} does not speak {options.Encoding}", new ProtocolException(connection.Encoding));
            }

            for (var worker = i; worker < options.Concurrency; worker += options.Connections)
            {
                callers.Add(new EventCaller(connection, BenchEvents.Of(options), BenchEvents.OpeningOf(options), ids, options.Timeout, time));
            }
        }

        return callers;
    }

    // Of the same size as the event would be in the encoding asked for.
    private async Task<List<ICaller>> OpenRawAsync(CancellationToken cancellation)
    {
        using var frame = FrameBuffer.Rent(MessageType.RequestHeaders);
        var message = BenchEvents.One(options);
        message.CorrelationId = new ExchangeIds().Next();
        MessageEncodings.ByName(options.Encoding).WriteEvent(frame, message);
        var size = frame.PayloadLength;
        var callers = new List<ICaller>();
        for (var i = 0; i < options.Connections; i++)
        {
            var share = (options.Concurrency / options.Connections) + (i < options.Concurrency % options.Connections ? 1 : 0);
            var connection = await RawConnection.OpenAsync(options.Connect, share, size, cancellation).ConfigureAwait(false);
            _open.Add(connection);
            callers.AddRange(connection.Callers);
        }

        return callers;
    }

    private sealed class NoSink : IConnectionSink
    {
        public static readonly NoSink Instance = new();

        public void OnHealth(IAgentConnection connection, HealthStatus health)
        {
        }

        public void OnFlowControl(IAgentConnection connection, FlowControlSignal signal)
        {
        }

        public void OnMetrics(IAgentConnection connection, MetricsReport report)
        {
        }

        public void OnConfigUpdate(IAgentConnection connection, ConfigUpdateRequest request)
        {
        }
    }
}
