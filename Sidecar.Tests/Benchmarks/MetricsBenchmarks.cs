using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Diagnostics.Metrics;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Benchmarks;

/// <summary>What counting costs on the way of a request, with the exporter attached. Promised: 0 B per call.</summary>
[MemoryDiagnoser]
public class MetricsBenchmarks
{
    private static readonly TimeSpan Duration = TimeSpan.FromMicroseconds(180);

    private ServiceProvider _services = null!;
    private ExchangeMetrics _metrics = null!;

    /// <summary>Makes 64 series per instrument first, as 16 agents have.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _services = new ServiceCollection()
            .AddMetrics()
            .AddSingleton<PrometheusExporterOptions>()
            .AddSingleton<PrometheusExporter>()
            .AddSingleton<SidecarMetrics>()
            .AddSingleton<ExchangeMetrics>()
            .BuildServiceProvider();
        _ = _services.GetRequiredService<PrometheusExporter>();
        _metrics = _services.GetRequiredService<ExchangeMetrics>();
        for (var agent = 0; agent < 16; agent++)
        {
            for (var kind = EventKind.RequestHeaders; kind <= EventKind.ResponseBodyChunk; kind++)
            {
                _metrics.OnEntry("web", "shop", Call($"agent-{agent}", kind));
            }
        }
    }

    /// <summary>Ends the listening.</summary>
    [GlobalCleanup]
    public void Cleanup() => _services.Dispose();

    /// <summary>Two counters with four and three labels, one with two, and a histogram with three.</summary>
    [Benchmark]
    public void CallEnded() => _metrics.OnEntry("web", "shop", Call("agent-7", EventKind.RequestHeaders));

    private static RecordEntry Call(string agent, EventKind kind) => new()
    {
        Kind = RecordKind.Call,
        Event = kind,
        Agent = agent,
        Version = "1",
        Outcome = CallOutcome.Answered,
        Times = new CallTimes { Took = Duration },
    };
}
