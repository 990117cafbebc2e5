using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Benchmarks;

/// <summary>What counting costs on the way of a request, with the exporter attached. Promised: 0 B per call.</summary>
[MemoryDiagnoser]
public class MetricsBenchmarks
{
    private static readonly TimeSpan Duration = TimeSpan.FromMicroseconds(180);

    private ServiceProvider _services = null!;
    private SidecarMetrics _metrics = null!;

    /// <summary>Makes 64 series per instrument first, as 16 agents have.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _services = new ServiceCollection()
            .AddMetrics()
            .AddSingleton<PrometheusExporterOptions>()
            .AddSingleton<PrometheusExporter>()
            .AddSingleton<SidecarMetrics>()
            .BuildServiceProvider();
        _ = _services.GetRequiredService<PrometheusExporter>();
        _metrics = _services.GetRequiredService<SidecarMetrics>();
        for (var agent = 0; agent < 16; agent++)
        {
            for (var kind = EventKind.RequestHeaders; kind <= EventKind.ResponseBodyChunk; kind++)
            {
                _metrics.CallEnded($"agent-{agent}", kind, "Answered", CallMetricOutcome.Answered, Duration);
            }
        }
    }

    /// <summary>Ends the listening.</summary>
    [GlobalCleanup]
    public void Cleanup() => _services.Dispose();

    /// <summary>A counter with three labels and a histogram with two.</summary>
    [Benchmark]
    public void CallEnded() => _metrics.CallEnded("agent-7", EventKind.RequestHeaders, "Answered", CallMetricOutcome.Answered, Duration);

    /// <summary>A counter with four labels and one without.</summary>
    [Benchmark]
    public void ExchangeEnded() => _metrics.ExchangeEnded("web", "shop", "inspected", "none");
}
