namespace Sidecar.Daemon.Diagnostics;

/// <summary>One metric under one set of labels. Recording is safe from any thread, does not wait and does not allocate.</summary>
internal abstract class Series(byte[] labels)
{
    /// <summary>The labels as they are written between the braces, UTF-8; empty when there are none.</summary>
    public ReadOnlySpan<byte> Labels => labels;

    /// <summary>Takes a whole measurement.</summary>
    /// <returns>False when the series cannot hold it.</returns>
    public abstract bool Record(long value);

    /// <summary>Takes a measurement.</summary>
    /// <returns>False when the series cannot hold it.</returns>
    public abstract bool Record(double value);

    /// <summary>Writes the samples of the series.</summary>
    public abstract void Write(PrometheusText text, string name);
}

/// <summary>A series of one value: a counter or a gauge.</summary>
/// <remarks>Whole numbers stay whole, so that a total past 2^53 still counts every step.</remarks>
internal sealed class ScalarSeries(byte[] labels, InstrumentTraits traits) : Series(labels)
{
    private readonly bool _accumulates = traits.Accumulates;

    // An observed counter reports its total, which another start of what it observes may reset.
    private readonly bool _mayFall = traits.Kind is not MetricKind.Counter || !traits.Accumulates;
    private readonly bool _whole = traits.Whole;
    private long _count;
    private double _value;

    public override bool Record(long value)
    {
        if (!_whole)
        {
            return Record((double)value);
        }

        if (!_accumulates)
        {
            Volatile.Write(ref _count, value);
            return true;
        }

        if (value < 0 && !_mayFall)
        {
            return false;
        }

        Interlocked.Add(ref _count, value);
        return true;
    }

    public override bool Record(double value)
    {
        if (!_accumulates)
        {
            Volatile.Write(ref _value, value);
            return true;
        }

        if (!double.IsFinite(value) || (value < 0 && !_mayFall))
        {
            return false;
        }

        AtomicSum.Add(ref _value, value);
        return true;
    }

    public override void Write(PrometheusText text, string name)
    {
        if (_whole)
        {
            text.Sample(name, Labels, Volatile.Read(ref _count));
        }
        else
        {
            text.Sample(name, Labels, Volatile.Read(ref _value));
        }
    }
}

/// <summary>A series that counts values per bucket.</summary>
/// <remarks>
/// Each value counts in the one bucket it falls into; the sums over buckets that Prometheus wants are made when written. The written
/// count is the sum of the buckets just read, so a scrape that races with recording never shows a count unlike its last bucket.
/// </remarks>
internal sealed class HistogramSeries(byte[] labels, double[] bounds) : Series(labels)
{
    private readonly long[] _counts = new long[bounds.Length + 1];
    private double _sum;

    public override bool Record(long value) => Record((double)value);

    public override bool Record(double value)
    {
        if (!double.IsFinite(value))
        {
            return false;
        }

        Interlocked.Increment(ref _counts[BucketOf(value)]);
        AtomicSum.Add(ref _sum, value);
        return true;
    }

    public override void Write(PrometheusText text, string name)
    {
        var total = 0L;
        for (var bucket = 0; bucket < _counts.Length; bucket++)
        {
            total += Volatile.Read(ref _counts[bucket]);
            text.Bucket(name, Labels, bucket < bounds.Length ? bounds[bucket] : double.PositiveInfinity, (ulong)total);
        }

        text.Sample(name + "_sum", Labels, Volatile.Read(ref _sum));
        text.Sample(name + "_count", Labels, total);
    }

    // Bounds are inclusive. There are a dozen, and most values fall into the first few: a scan beats a search.
    private int BucketOf(double value)
    {
        var bucket = 0;
        while (bucket < bounds.Length && value > bounds[bucket])
        {
            bucket++;
        }

        return bucket;
    }
}

/// <summary>Sums of floating-point numbers that many threads add to.</summary>
internal static class AtomicSum
{
    /// <summary>Adds <paramref name="value"/> to <paramref name="sum"/>; no addition is lost.</summary>
    public static void Add(ref double sum, double value)
    {
        var seen = Volatile.Read(ref sum);
        while (true)
        {
            var before = Interlocked.CompareExchange(ref sum, seen + value, seen);

            // Bits, not values: a sum that became NaN would never equal itself.
            if (BitConverter.DoubleToInt64Bits(before) == BitConverter.DoubleToInt64Bits(seen))
            {
                return;
            }

            seen = before;
        }
    }
}
