using System.Buffers;
using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Daemon.Diagnostics;

namespace Sidecar.Tests.Diagnostics;

/// <summary>A meter factory of its own with the meter of the daemon and an exporter that listens to it.</summary>
internal sealed class MeterRig : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public MeterRig(PrometheusExporterOptions? options = null)
    {
        Factory = _services.GetRequiredService<IMeterFactory>();
        Meter = Factory.Create(SidecarMetrics.MeterName);
        Exporter = new PrometheusExporter(Factory, options ?? new PrometheusExporterOptions());
    }

    public IMeterFactory Factory { get; }

    public Meter Meter { get; }

    public PrometheusExporter Exporter { get; }

    /// <summary>All that is rendered.</summary>
    public string Render()
    {
        var output = new ArrayBufferWriter<byte>();
        Exporter.Render(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    /// <summary>What is rendered without the exporter's own metric.</summary>
    public string RenderInstruments() => string.Concat(Lines()
        .Where(line => !line.Contains("metrics_anomalies", StringComparison.Ordinal))
        .Select(line => line + "\n"));

    /// <summary>The value of one sample as it is written; none when there is no such sample.</summary>
    public string? Sample(string series) =>
        Lines().SingleOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal))?[(series.Length + 1)..];

    public string[] Lines() => Render().Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public void Dispose()
    {
        Exporter.Dispose();
        _services.Dispose();
    }
}
