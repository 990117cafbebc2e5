using System.Globalization;
using NUnit.Framework;
using Sidecar.Daemon.Diagnostics;

namespace Sidecar.Tests.Diagnostics;

[TestFixture]
internal sealed class PrometheusExporterSeriesTests
{
    private const int Threads = 4;
    private const int PerThread = 25_000;
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    [Test]
    public void Labels_InAnotherOrder_AreOneSeries()
    {
        using var rig = new MeterRig();
        var counter = rig.Meter.CreateCounter<long>("a");
        counter.Add(1, new KeyValuePair<string, object?>("x", "1"), new KeyValuePair<string, object?>("y", "2"));
        counter.Add(1, new KeyValuePair<string, object?>("y", "2"), new KeyValuePair<string, object?>("x", "1"));

        Assert.That(rig.Sample("sidecar_a_total{x=\"1\",y=\"2\"}"), Is.EqualTo("2"));
    }

    [Test]
    public void Labels_EmptyAndAbsent_AreOneSeries()
    {
        using var rig = new MeterRig();
        var counter = rig.Meter.CreateCounter<long>("a");
        counter.Add(1, new KeyValuePair<string, object?>("x", ""));
        counter.Add(1, new KeyValuePair<string, object?>("x", null));
        counter.Add(1);

        Assert.That(rig.Sample("sidecar_a_total"), Is.EqualTo("3"));
    }

    [Test]
    public void Labels_EqualValuesUnderOtherNames_AreTwoSeries()
    {
        using var rig = new MeterRig();
        var counter = rig.Meter.CreateCounter<long>("a");
        counter.Add(1, new KeyValuePair<string, object?>("x", "v"));
        counter.Add(2, new KeyValuePair<string, object?>("y", "v"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(rig.Sample("sidecar_a_total{x=\"v\"}"), Is.EqualTo("1"));
            Assert.That(rig.Sample("sidecar_a_total{y=\"v\"}"), Is.EqualTo("2"));
        }
    }

    [Test]
    public void Bound_MoreTagSetsThanAllowed_ShareTheOverflowSeriesAndAreCounted()
    {
        using var rig = new MeterRig(new PrometheusExporterOptions { MaxSeriesPerInstrument = 3 });
        var counter = rig.Meter.CreateCounter<long>("a");
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 5; i++)
            {
                counter.Add(1, new KeyValuePair<string, object?>("i", i));
            }
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(rig.Lines().Where(line => line.StartsWith("sidecar_a_total", StringComparison.Ordinal)), Is.EqualTo(new[]
            {
                "sidecar_a_total{i=\"0\"} 2", "sidecar_a_total{i=\"1\"} 2", "sidecar_a_total{i=\"2\"} 2",
                "sidecar_a_total{overflow=\"true\"} 4",
            }));
            Assert.That(rig.Sample("sidecar_metrics_anomalies_total{reason=\"overflow\"}"), Is.EqualTo("4"));
        }
    }

    [Test]
    public void Bound_Default_HoldsTwoThousandSeriesAndTheOverflow()
    {
        using var rig = new MeterRig();
        var counter = rig.Meter.CreateCounter<long>("a");
        for (var i = 0; i < 2_500; i++)
        {
            counter.Add(1, new KeyValuePair<string, object?>("i", i));
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(rig.Lines().Count(line => line.StartsWith("sidecar_a_total", StringComparison.Ordinal)), Is.EqualTo(2_001));
            Assert.That(rig.Sample("sidecar_a_total{overflow=\"true\"}"), Is.EqualTo("500"));
        }
    }

    [Test]
    public async Task Record_FromManyThreadsWhileRendered_LosesNothing()
    {
        using var rig = new MeterRig(new PrometheusExporterOptions { MaxSeriesPerInstrument = 40 });
        var counter = rig.Meter.CreateCounter<long>("a");
        var sum = rig.Meter.CreateCounter<double>("s");
        var histogram = rig.Meter.CreateHistogram<double>("h");
        using var start = new ManualResetEventSlim();
        var recording = Enumerable.Range(0, Threads).Select(_ => Task.Factory.StartNew(
            () =>
            {
                Assert.That(start.Wait(Generous), Is.True);
                for (var i = 0; i < PerThread; i++)
                {
                    // 50 tag sets for 40 series: growing, finding and overflowing all race.
                    counter.Add(1, new KeyValuePair<string, object?>("i", i % 50));
                    sum.Add(0.5);
                    histogram.Record(i % 2 == 0 ? 0.001 : 3);
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)).ToArray();
        var all = Task.WhenAll(recording);

        start.Set();
        while (!all.IsCompleted)
        {
            var lines = rig.Lines();
            Assert.That(
                Values(lines, "sidecar_h_bucket{le=\"+Inf\"}"),
                Is.EqualTo(Values(lines, "sidecar_h_count")),
                "the last bucket of a scrape is its count");
        }

        await all.WaitAsync(Generous);
        var last = rig.Lines();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Values(last, "sidecar_a_total").Sum(), Is.EqualTo(Threads * PerThread));
            Assert.That(Values(last, "sidecar_a_total").Count(), Is.EqualTo(41));
            Assert.That(Values(last, "sidecar_s_total").Single(), Is.EqualTo(Threads * PerThread * 0.5));
            Assert.That(Values(last, "sidecar_h_bucket{le=\"0.005\"}").Single(), Is.EqualTo(Threads * PerThread / 2));
            Assert.That(Values(last, "sidecar_h_count").Single(), Is.EqualTo(Threads * PerThread));
        }
    }

    private static IEnumerable<double> Values(string[] lines, string series) =>
        lines.Where(line => line.StartsWith(series, StringComparison.Ordinal))
            .Select(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
}
