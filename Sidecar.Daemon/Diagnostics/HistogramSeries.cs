namespace Sidecar.Daemon.Diagnostics;

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
