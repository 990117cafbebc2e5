using System.Numerics;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>Counts durations in buckets that are at most 3 % wide. One writer; merged when the run is over.</summary>
internal sealed class LatencyHistogram
{
    private const int SubBits = 5;
    private const int SubBuckets = 1 << SubBits;

    private readonly long[] _counts = new long[(64 - SubBits) * SubBuckets];

    /// <summary>Durations counted.</summary>
    public long Count { get; private set; }

    /// <summary>Counts one duration in nanoseconds.</summary>
    public void Record(long nanoseconds)
    {
        Count++;
        _counts[IndexOf((ulong)Math.Max(0, nanoseconds))]++;
    }

    /// <summary>Adds what another one counted.</summary>
    public void Add(LatencyHistogram other)
    {
        Count += other.Count;
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }
    }

    /// <summary>
    /// The duration in microseconds that this share of all durations does not exceed, as if those of a bucket were spread evenly over it; 0
    /// when none was counted.
    /// </summary>
    /// <param name="share">0 to 1.</param>
    public double Percentile(double share)
    {
        var left = Math.Max(1, (long)Math.Ceiling(share * Count));
        for (var i = 0; i < _counts.Length; i++)
        {
            if (_counts[i] >= left)
            {
                return (LowerBound(i) + ((LowerBound(i + 1) - LowerBound(i)) * (left - 0.5) / _counts[i])) / 1000;
            }

            left -= _counts[i];
        }

        return 0;
    }

    private static int IndexOf(ulong value)
    {
        if (value < SubBuckets)
        {
            return (int)value;
        }

        var shift = 63 - BitOperations.LeadingZeroCount(value) - SubBits;
        return ((shift + 1) * SubBuckets) + (int)((value >> shift) - SubBuckets);
    }

    private static double LowerBound(int index)
    {
        if (index < SubBuckets)
        {
            return index;
        }

        var shift = (index / SubBuckets) - 1;
        return (double)((index % SubBuckets) + SubBuckets) * (1UL << shift);
    }
}
