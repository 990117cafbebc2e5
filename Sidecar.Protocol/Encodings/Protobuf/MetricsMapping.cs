using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>Metrics reports (spec §6.3, §7.3).</summary>
internal static class MetricsMapping
{
    public static Wire.MetricsReport ToWire(MetricsReport report) => new()
    {
        AgentId = report.AgentId,
        TimestampMs = report.TimestampMs,
        IntervalMs = report.IntervalMs,
        Counters = { report.Counters.Select(ToWire) },
        Gauges = { report.Gauges.Select(ToWire) },
        Histograms = { report.Histograms.Select(ToWire) },
    };

    public static MetricsReport FromWire(Wire.MetricsReport wire) => new()
    {
        AgentId = wire.AgentId,
        TimestampMs = wire.TimestampMs,
        IntervalMs = wire.IntervalMs,
        Counters = [.. wire.Counters.Select(static from => new CounterMetric
        {
            Name = from.Name, Help = from.HasHelp ? from.Help : null, Labels = Optional.TextMap(from.Labels), Value = from.Value,
        })],
        Gauges = [.. wire.Gauges.Select(static from => new GaugeMetric
        {
            Name = from.Name, Help = from.HasHelp ? from.Help : null, Labels = Optional.TextMap(from.Labels), Value = from.Value,
        })],
        Histograms = [.. wire.Histograms.Select(static from => new HistogramMetric
        {
            Name = from.Name,
            Help = from.HasHelp ? from.Help : null,
            Labels = Optional.TextMap(from.Labels),
            Sum = from.Sum,
            Count = from.Count,
            Buckets = [.. from.Buckets.Select(static bucket => new HistogramBucket(bucket.Le, bucket.Count))],
        })],
    };

    private static Wire.CounterMetric ToWire(CounterMetric metric) => Optional.Set(
        new Wire.CounterMetric { Name = metric.Name, Value = metric.Value, Labels = { LabelsOf(metric) } },
        metric.Help,
        static (to, help) => to.Help = help);

    private static Wire.GaugeMetric ToWire(GaugeMetric metric) => Optional.Set(
        new Wire.GaugeMetric { Name = metric.Name, Value = metric.Value, Labels = { LabelsOf(metric) } },
        metric.Help,
        static (to, help) => to.Help = help);

    private static Wire.HistogramMetric ToWire(HistogramMetric metric)
    {
        var buckets = metric.Buckets.Select(static bucket => new Wire.HistogramBucket { Le = bucket.UpperBound, Count = bucket.Count });
        return Optional.Set(
            new Wire.HistogramMetric
            {
                Name = metric.Name,
                Sum = metric.Sum,
                Count = metric.Count,
                Labels = { LabelsOf(metric) },
                Buckets = { buckets },
            },
            metric.Help,
            static (to, help) => to.Help = help);
    }

    private static Dictionary<string, string> LabelsOf(AgentMetric metric) => metric.Labels.ToDictionary(StringComparer.Ordinal);
}
