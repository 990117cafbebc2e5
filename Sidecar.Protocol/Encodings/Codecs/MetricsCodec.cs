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
        List<CounterMetric> counters = [];
        List<GaugeMetric> gauges = [];
        List<HistogramMetric> histograms = [];
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            switch (member)
            {
                case 0:
                    agentId = r.ReadString();
                    break;
                case 1:
                    timestamp = r.ReadUInt64();
                    break;
                case 2:
                    interval = r.ReadUInt64();
                    break;
                case 3:
                    counters.Clear();
                    for (var list = r.BeginArray(); r.NextItem(ref list);)
                    {
                        counters.Add(MetricParts.Read(ref r, histogram: false).ToCounter());
                    }

                    break;
                case 4:
                    gauges.Clear();
                    for (var list = r.BeginArray(); r.NextItem(ref list);)
                    {
                        gauges.Add(MetricParts.Read(ref r, histogram: false).ToGauge());
                    }

                    break;
                case 5:
                    histograms.Clear();
                    for (var list = r.BeginArray(); r.NextItem(ref list);)
                    {
                        histograms.Add(MetricParts.Read(ref r, histogram: true).ToHistogram());
                    }

                    break;
            }
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
        w.Key("agent_id"u8);
        w.String(message.AgentId);
        w.Key("timestamp_ms"u8);
        w.UInt64(message.TimestampMs);
        w.Key("interval_ms"u8);
        w.UInt64(message.IntervalMs);
        w.Key("counters"u8);
        w.BeginArray(message.Counters.Count);
        foreach (var counter in message.Counters)
        {
            BeginMetric(ref w, counter, 3);
            w.Key("value"u8);
            w.UInt64(counter.Value);
            w.EndMap();
        }

        w.EndArray();
        w.Key("gauges"u8);
        w.BeginArray(message.Gauges.Count);
        foreach (var gauge in message.Gauges)
        {
            BeginMetric(ref w, gauge, 3);
            w.Key("value"u8);
            w.Double(gauge.Value);
            w.EndMap();
        }

        w.EndArray();
        w.Key("histograms"u8);
        w.BeginArray(message.Histograms.Count);
        foreach (var histogram in message.Histograms)
        {
            BeginMetric(ref w, histogram, 5);
            WriteHistogram(ref w, histogram);
            w.EndMap();
        }

        w.EndArray();
        w.EndMap();
    }

    private static void BeginMetric<TWriter>(ref TWriter w, AgentMetric metric, int members)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(metric.Help is null ? members : members + 1);
        w.Key("name"u8);
        w.String(metric.Name);
        if (metric.Help is not null)
        {
            w.Key("help"u8);
            w.String(metric.Help);
        }

        w.Key("labels"u8);
        w.TextMap(metric.Labels);
    }

    private static void WriteHistogram<TWriter>(ref TWriter w, HistogramMetric histogram)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.Key("sum"u8);
        w.Double(histogram.Sum);
        w.Key("count"u8);
        w.UInt64(histogram.Count);
        w.Key("buckets"u8);
        w.BeginArray(histogram.Buckets.Count);
        foreach (var bucket in histogram.Buckets)
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

            w.Key("count"u8);
            w.UInt64(bucket.Count);
            w.EndMap();
        }

        w.EndArray();
    }
}
