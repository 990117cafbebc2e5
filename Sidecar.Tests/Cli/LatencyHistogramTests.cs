using NUnit.Framework;
using Sidecar.Daemon.Cli.Bench;

namespace Sidecar.Tests.Cli;

/// <summary>How exact the latencies of a benchmark are.</summary>
public sealed class LatencyHistogramTests
{
    private static readonly double[] Shares = [0.01, 0.5, 0.9, 0.99, 1];

    [Test]
    public void Percentile_OfNothingIsZero() => Assert.That(new LatencyHistogram().Percentile(0.5), Is.Zero);

    // One value lies anywhere in its bucket, so it is off by half of that at most.
    [TestCase(0)]
    [TestCase(31)]
    [TestCase(32)]
    [TestCase(1_000)]
    [TestCase(43_210)]
    [TestCase(5_000_000_000)]
    public void Percentile_OfOneValueIsNearIt(long nanoseconds)
    {
        var histogram = new LatencyHistogram();
        histogram.Record(nanoseconds);
        Assert.That(Shares.Select(histogram.Percentile), Is.All.EqualTo(nanoseconds / 1000.0).Within(Math.Max(0.00051, nanoseconds * 0.016 / 1000)));
    }

    [Test]
    public void Percentile_OfManyIsNearerThanABucketIsWide()
    {
        var (first, second) = (new LatencyHistogram(), new LatencyHistogram());
        for (var i = 1; i <= 100_000; i++)
        {
            (i % 2 == 0 ? first : second).Record(i);
        }

        first.Add(second);
        Assert.That(first.Count, Is.EqualTo(100_000));
        Assert.That(Shares.Select(share => first.Percentile(share) / (share * 100)), Is.All.EqualTo(1).Within(0.01));
    }

    [Test]
    public void Percentile_CountsWhatIsBelowZeroAsZero()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(-5);
        Assert.That(histogram.Percentile(1), Is.LessThan(0.001));
    }

    [Test]
    public void Percentile_TakesTheLongestOfAll()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(long.MaxValue);
        Assert.That(histogram.Percentile(1), Is.EqualTo(long.MaxValue / 1000.0).Within(2).Percent);
    }
}
