using System.Globalization;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>A report of an agent's own metrics (spec §6.3).</summary>
internal static partial class Codec<TReader, TWriter>
{
    private static readonly Shape<HistogramBucket> Bucket = new(
        "a bucket",
        default,
        new("le", (ref r, m) => m with { UpperBound = ReadBound(ref r) }, (ref w, m) => WriteBound(ref w, m.UpperBound), IsRequired: true),
        new("count", (ref r, m) => m with { Count = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.Count)));

    private static readonly Shape<CounterMetric> Counter = Metric(
        new CounterMetric { Name = "" },
        new Member<CounterMetric>("value", (ref r, m) => m with { Value = ReadWhole(ref r) }, (ref w, m) => w.UInt64(m.Value)));

    private static readonly Shape<GaugeMetric> Gauge = Metric(
        new GaugeMetric { Name = "" },
        new Member<GaugeMetric>("value", (ref r, m) => m with { Value = r.ReadDouble() }, (ref w, m) => w.Double(m.Value)));

    private static readonly Shape<HistogramMetric> Histogram = Metric<HistogramMetric>(
        new HistogramMetric { Name = "" },
        new("sum", (ref r, m) => m with { Sum = r.ReadDouble() }, (ref w, m) => w.Double(m.Sum)),
        new("count", (ref r, m) => m with { Count = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.Count)),
        new("buckets", (ref r, m) => m with { Buckets = r.ReadList(Bucket.Read) }, (ref w, m) => w.List(m.Buckets, Bucket.Write)));

    internal static readonly Shape<MetricsReport> Metrics = new(
        "MetricsReport",
        new MetricsReport(),
        new("agent_id", (ref r, m) => m with { AgentId = r.ReadString() }, (ref w, m) => w.String(m.AgentId)),
        new("timestamp_ms", (ref r, m) => m with { TimestampMs = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.TimestampMs)),
        new("interval_ms", (ref r, m) => m with { IntervalMs = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.IntervalMs)),
        new("counters", (ref r, m) => m with { Counters = r.ReadList(Counter.Read) }, (ref w, m) => w.List(m.Counters, Counter.Write)),
        new("gauges", (ref r, m) => m with { Gauges = r.ReadList(Gauge.Read) }, (ref w, m) => w.List(m.Gauges, Gauge.Write)),
        new("histograms", (ref r, m) => m with { Histograms = r.ReadList(Histogram.Read) },
            (ref w, m) => w.List(m.Histograms, Histogram.Write)));

    // The bound of the last bucket on the wire.
    private const string Infinity = "+Inf";

    private static Shape<T> Metric<T>(T empty, params Member<T>[] values)
        where T : AgentMetric => new(
            "a metric",
            empty,
            [
                new("name", (ref r, m) => m with { Name = r.ReadString() }, (ref w, m) => w.String(m.Name), IsRequired: true),
                new("help", (ref r, m) => m with { Help = r.ReadString() }, (ref w, m) => w.String(m.Help), m => m.Help is not null),
                new("labels", (ref r, m) => m with { Labels = r.ReadTextMap() }, (ref w, m) => w.TextMap(m.Labels)),
                .. values,
            ])
        {
            LeftOutOfArrays = "help",
        };

    // 0 for what no counter can be: a value below it, or with a fraction.
    private static ulong ReadWhole(ref TReader r)
    {
        var copy = r;
        return r.ReadDouble() is >= 0 and var value && double.IsInteger(value) ? copy.ReadUInt64() : 0;
    }

    private static double ReadBound(ref TReader r)
    {
        if (r.Kind == ValueKind.Number)
        {
            return r.ReadDouble();
        }

        var text = r.ReadString();
        return text is Infinity or "Inf" ? double.PositiveInfinity
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var bound) ? bound
            : throw ProtocolErrors.Unknown("le", text, "numbers, +Inf and Inf");
    }

    private static void WriteBound(ref TWriter w, double bound)
    {
        if (double.IsPositiveInfinity(bound))
        {
            w.String(Infinity);
        }
        else
        {
            w.Double(bound);
        }
    }
}
