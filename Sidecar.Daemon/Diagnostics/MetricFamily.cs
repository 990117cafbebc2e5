using System.Diagnostics.Metrics;
using System.Numerics;

namespace Sidecar.Daemon.Diagnostics;

/// <summary>One metric with all its series. Recording is safe from any thread.</summary>
internal sealed class MetricFamily(string name, string help, InstrumentTraits traits, int maxSeries)
{
    private SeriesTable _table = new(maxSeries, Creator(traits));

    /// <summary>The name as Prometheus sees it, with prefix, unit and suffix.</summary>
    public string Name => name;

    /// <summary>What the metric is.</summary>
    public MetricKind Kind => traits.Kind;

    /// <summary>Every name that a sample of this metric has.</summary>
    public IEnumerable<string> SampleNames =>
        Kind is MetricKind.Histogram ? [name, name + "_bucket", name + "_sum", name + "_count"] : [name];

    /// <summary>Records a whole measurement.</summary>
    public RecordOutcome Record(long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var series = _table.Find(tags, out var overflowed);
        return Outcome(series.Record(value), overflowed);
    }

    /// <summary>Records a measurement.</summary>
    public RecordOutcome Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var series = _table.Find(tags, out var overflowed);
        return Outcome(series.Record(value), overflowed);
    }

    /// <summary>Forgets all series. Before each observation of an observed metric: what is gone is no longer shown.</summary>
    public void Clear() => _table = new SeriesTable(maxSeries, Creator(traits));

    /// <summary>Forgets the series with all of these tags.</summary>
    public void Forget(ReadOnlySpan<KeyValuePair<string, object?>> tags) => _table.Forget(tags);

    /// <summary>Writes help, type and the samples of all series in the order of their labels; nothing when there is none.</summary>
    public void Write(PrometheusText text)
    {
        var all = _table.Snapshot();
        if (all.Length == 0)
        {
            return;
        }

        text.Header(name, help, Kind);
        foreach (var series in all)
        {
            series.Write(text, name);
        }
    }

    private static RecordOutcome Outcome(bool taken, bool overflowed) =>
        !taken ? RecordOutcome.Invalid
        : overflowed ? RecordOutcome.Overflowed
        : RecordOutcome.Recorded;

    private static Func<byte[], Series> Creator(InstrumentTraits traits) => traits.Kind is MetricKind.Histogram
        ? labels => new HistogramSeries(labels, traits.Bounds)
        : labels => new ScalarSeries(labels, traits);
}

/// <summary>The kinds of metric that Prometheus knows and we use.</summary>
internal enum MetricKind
{
    /// <summary>A total that only grows.</summary>
    Counter,

    /// <summary>A value that goes up and down.</summary>
    Gauge,

    /// <summary>Counts of values per bucket, their count and their sum.</summary>
    Histogram,
}

/// <summary>What an instrument is, as far as collecting and writing it goes.</summary>
/// <param name="Kind">What it is to Prometheus.</param>
/// <param name="Accumulates">Measurements are added up; otherwise each replaces the one before.</param>
/// <param name="Whole">Measurements are whole numbers.</param>
/// <param name="Bounds">Upper bounds of the buckets of a histogram, rising, without infinity; empty for others.</param>
internal sealed record InstrumentTraits(MetricKind Kind, bool Accumulates, bool Whole, double[] Bounds)
{
    // For seconds, from a fast call to a slow one; for instruments that advise nothing.
    private static readonly double[] DefaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    /// <summary>The traits of an instrument; none when it is of a type that is not known here.</summary>
    public static InstrumentTraits? Of(Instrument instrument) => instrument switch
    {
        Instrument<long> or ObservableInstrument<long> => Of<long>(instrument, whole: true),
        Instrument<double> or ObservableInstrument<double> => Of<double>(instrument, whole: false),
        Instrument<int> or ObservableInstrument<int> => Of<int>(instrument, whole: true),
        Instrument<short> or ObservableInstrument<short> => Of<short>(instrument, whole: true),
        Instrument<byte> or ObservableInstrument<byte> => Of<byte>(instrument, whole: true),
        Instrument<float> or ObservableInstrument<float> => Of<float>(instrument, whole: false),
        Instrument<decimal> or ObservableInstrument<decimal> => Of<decimal>(instrument, whole: false),
        _ => null,
    };

    private static InstrumentTraits? Of<T>(Instrument instrument, bool whole)
        where T : struct, INumber<T> => instrument switch
        {
            Counter<T> => new(MetricKind.Counter, Accumulates: true, whole, []),
            UpDownCounter<T> => new(MetricKind.Gauge, Accumulates: true, whole, []),
            Gauge<T> or ObservableGauge<T> or ObservableUpDownCounter<T> => new(MetricKind.Gauge, Accumulates: false, whole, []),
            ObservableCounter<T> => new(MetricKind.Counter, Accumulates: false, whole, []),
            Histogram<T> histogram => new(MetricKind.Histogram, Accumulates: true, Whole: false, Advised(histogram)),
            _ => null,
        };

    private static double[] Advised<T>(Histogram<T> histogram)
        where T : struct, INumber<T> =>
        histogram.Advice?.HistogramBucketBoundaries is { } advised
            ? [.. advised.Select(double.CreateSaturating).Where(double.IsFinite).Distinct().Order()]
            : DefaultBounds;
}
