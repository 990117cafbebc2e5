using System.Buffers;
using System.Globalization;
using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.Diagnostics;

namespace Sidecar.Tests.Diagnostics;

[TestFixture]
internal sealed class HistogramSeriesTests
{
    private static readonly double[] Bounds = [-10, 0, 0.5, 1, 100];

    [TestCase(0.5, "0.5")]
    [TestCase(0.50001, "1")]
    [TestCase(-10, "-10")]
    [TestCase(-11, "-10")]
    [TestCase(100.5, "+Inf")]
    public void Record_Value_CountsFromTheFirstBoundNotBelowIt(double value, string first)
    {
        var series = new HistogramSeries([], Bounds);
        series.Record(value);

        var bounds = new[] { "-10", "0", "0.5", "1", "100", "+Inf" };
        var from = Array.IndexOf(bounds, first);
        Assert.That(Buckets(series), Is.EqualTo(bounds.Select((_, i) => i >= from ? 1L : 0L)));
    }

    [FsCheck.NUnit.Property]
    public bool Write_AnyValues_BucketsAreTheCountsOfValuesNotAbove(int[] hundredths)
    {
        var series = new HistogramSeries([], Bounds);
        var values = hundredths.Select(value => value / 100.0).ToArray();
        foreach (var value in values)
        {
            series.Record(value);
        }

        var expected = Bounds.Append(double.PositiveInfinity).Select(bound => values.LongCount(value => value <= bound));
        return Buckets(series).SequenceEqual(expected);
    }

    [Test]
    public void Write_NoBounds_IsOneBucket()
    {
        var series = new HistogramSeries([], []);
        series.Record(3L);

        Assert.That(Buckets(series), Is.EqualTo(new[] { 1L }));
    }

    private static long[] Buckets(HistogramSeries series)
    {
        var output = new ArrayBufferWriter<byte>();
        series.Write(new PrometheusText(output), "h");
        return [.. Encoding.UTF8.GetString(output.WrittenSpan).Split('\n')
            .Where(line => line.StartsWith("h_bucket", StringComparison.Ordinal))
            .Select(line => long.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture))];
    }
}
