using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>A report of an agent's own metrics (spec §6.3).</summary>
internal static class MetricsCodec
{
    private static readonly MemberTable Members = new(
        6, "agent_id", "timestamp_ms", "interval_ms", "counters", "gauges", "histograms");

    internal static MetricsReport Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        var agentId = "";
        ulong timestamp = 0, interval = 0;
        IReadOnlyList<CounterMetric> counters = [];
        IReadOnlyList<GaugeMetric> gauges = [];
        IReadOnlyList<HistogramMetric> histograms = [];
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            _ = member switch
            {
                0 => r.Into(ref agentId),
                1 => r.Into(ref timestamp),
                2 => r.Into(ref interval),
                3 => r.Into(out counters, r.ReadList(ReadCounter)),
                4 => r.Into(out gauges, r.ReadList(ReadGauge)),
                _ => r.Into(out histograms, r.ReadList(ReadHistogram)),
            };
        }

        r.End();
        return new MetricsReport
        {
            AgentId = agentId,
            TimestampMs = timestamp,
            IntervalMs = interval,
            Counters = counters,
            Gauges = gauges,
            Histograms = histograms,
        };
    }

    internal static void Write<TWriter>(ref TWriter w, MetricsReport message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(6);
        w.Member("agent_id"u8, message.AgentId);
        w.Member("timestamp_ms"u8, message.TimestampMs);
        w.Member("interval_ms"u8, message.IntervalMs);
        w.Member("counters"u8, message.Counters, WriteCounter);
        w.Member("gauges"u8, message.Gauges, WriteGauge);
        w.Member("histograms"u8, message.Histograms, WriteHistogram);
        w.EndMap();
    }

    private static CounterMetric ReadCounter<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct => MetricParts.Read(ref r, histogram: false).ToCounter();

    private static GaugeMetric ReadGauge<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct => MetricParts.Read(ref r, histogram: false).ToGauge();

    private static HistogramMetric ReadHistogram<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct => MetricParts.Read(ref r, histogram: true).ToHistogram();

    private static void BeginMetric<TWriter>(ref TWriter w, AgentMetric metric, int members)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(metric.Help is null ? members : members + 1);
        w.Member("name"u8, metric.Name);
        w.MemberIfAny("help"u8, metric.Help);
        w.Member("labels"u8, metric.Labels);
    }

    private static void WriteCounter<TWriter>(ref TWriter w, CounterMetric counter)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        BeginMetric(ref w, counter, 3);
        w.Member("value"u8, counter.Value);
        w.EndMap();
    }

    private static void WriteGauge<TWriter>(ref TWriter w, GaugeMetric gauge)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        BeginMetric(ref w, gauge, 3);
        w.Member("value"u8, gauge.Value);
        w.EndMap();
    }

    private static void WriteHistogram<TWriter>(ref TWriter w, HistogramMetric histogram)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        BeginMetric(ref w, histogram, 5);
        w.Member("sum"u8, histogram.Sum);
        w.Member("count"u8, histogram.Count);
        w.Member("buckets"u8, histogram.Buckets, WriteBucket);
        w.EndMap();
    }

    private static void WriteBucket<TWriter>(ref TWriter w, HistogramBucket bucket)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(2);
        w.Key("le"u8);
        if (double.IsPositiveInfinity(bucket.UpperBound))
        {
            w.String(MetricParts.Infinity);
        }
        else
        {
            w.Double(bucket.UpperBound);
        }

        w.Member("count"u8, bucket.Count);
        w.EndMap();
    }
}
