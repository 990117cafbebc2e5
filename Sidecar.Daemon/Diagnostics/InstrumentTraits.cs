using System.Diagnostics.Metrics;
using System.Numerics;

namespace Sidecar.Daemon.Diagnostics;

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
