using Google.Protobuf.Collections;
using Sidecar.Protocol.Messages;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>Metrics reports (spec §6.3, §7.3).</summary>
internal static class MetricsMapping
{
    /// <summary>The report as it is sent.</summary>
    public static Wire.MetricsReport ToWire(MetricsReport report)
    {
        var wire = new Wire.MetricsReport { AgentId = report.AgentId, TimestampMs = report.TimestampMs, IntervalMs = report.IntervalMs };
        foreach (var from in report.Counters)
        {
            var counter = new Wire.CounterMetric { Name = from.Name, Value = from.Value };
            Describe(from, counter.Labels, help => counter.Help = help);
            wire.Counters.Add(counter);
        }

        foreach (var from in report.Gauges)
        {
            var gauge = new Wire.GaugeMetric { Name = from.Name, Value = from.Value };
            Describe(from, gauge.Labels, help => gauge.Help = help);
            wire.Gauges.Add(gauge);
        }

        foreach (var from in report.Histograms)
        {
            var histogram = new Wire.HistogramMetric { Name = from.Name, Sum = from.Sum, Count = from.Count };
            Describe(from, histogram.Labels, help => histogram.Help = help);
            histogram.Buckets.AddRange(
                from.Buckets.Select(static bucket => new Wire.HistogramBucket { Le = bucket.UpperBound, Count = bucket.Count }));
            wire.Histograms.Add(histogram);
        }

        return wire;
    }

    /// <summary>The report as it was meant.</summary>
    public static MetricsReport FromWire(Wire.MetricsReport wire) => new()
    {
        AgentId = wire.AgentId,
        TimestampMs = wire.TimestampMs,
        IntervalMs = wire.IntervalMs,
        Counters = [.. wire.Counters.Select(static from => new CounterMetric
        {
            Name = from.Name, Help = from.HasHelp ? from.Help : null, Labels = LabelsOf(from.Labels), Value = from.Value,
        })],
        Gauges = [.. wire.Gauges.Select(static from => new GaugeMetric
        {
            Name = from.Name, Help = from.HasHelp ? from.Help : null, Labels = LabelsOf(from.Labels), Value = from.Value,
        })],
        Histograms = [.. wire.Histograms.Select(static from => new HistogramMetric
        {
            Name = from.Name,
            Help = from.HasHelp ? from.Help : null,
            Labels = LabelsOf(from.Labels),
            Sum = from.Sum,
            Count = from.Count,
            Buckets = [.. from.Buckets.Select(static bucket => new HistogramBucket(bucket.Le, bucket.Count))],
        })],
    };

    private static void Describe(AgentMetric metric, MapField<string, string> labels, Action<string> setHelp)
    {
        foreach (var (name, value) in metric.Labels)
        {
            labels[name] = value;
        }

        if (metric.Help is { } help)
        {
            setHelp(help);
        }
    }

    private static IReadOnlyDictionary<string, string> LabelsOf(MapField<string, string> labels) =>
        labels.Count == 0 ? EmptyMap.OfStrings : labels.ToDictionary(StringComparer.Ordinal);
}
