using System.Diagnostics.Metrics;
using NUnit.Framework;
using Sidecar.Daemon.Diagnostics;

namespace Sidecar.Tests.Diagnostics;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class PrometheusExporterTests : IDisposable
{
    private readonly MeterRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Test]
    public void Render_NothingMeasured_ShowsOnlyItsOwnAnomalies()
    {
        _rig.Meter.CreateCounter<long>("calls");

        Assert.That(_rig.Render(), Is.EqualTo("""
            # HELP sidecar_metrics_anomalies_total Measurements kept without their labels (overflow) or dropped (invalid), and observers that threw (observer)
            # TYPE sidecar_metrics_anomalies_total counter
            sidecar_metrics_anomalies_total{reason="invalid"} 0
            sidecar_metrics_anomalies_total{reason="observer"} 0
            sidecar_metrics_anomalies_total{reason="overflow"} 0

            """));
    }

    [Test]
    public void Render_EveryKind_IsWrittenInTheOrderOfNamesAndLabels()
    {
        var open = _rig.Meter.CreateUpDownCounter<int>("exchanges.open", "{exchange}", "Open");
        var calls = _rig.Meter.CreateCounter<long>("agent.calls", "{call}", "Calls");
        var sent = _rig.Meter.CreateCounter<double>("sent", "By");
        var duration = _rig.Meter.CreateHistogram(
            "call.duration", "s", "Duration", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.00005, 0.25, 1] });
        _rig.Meter.CreateObservableGauge("queue", () => new Measurement<double>(1.5));
        open.Add(2);
        open.Add(-5);
        calls.Add(1, new KeyValuePair<string, object?>("event", "b"), new KeyValuePair<string, object?>("agent", "waf"));
        calls.Add(2, new KeyValuePair<string, object?>("agent", "waf"), new KeyValuePair<string, object?>("event", "a"));
        sent.Add(0.5);
        duration.Record(0.00005, new KeyValuePair<string, object?>("agent", "waf"));
        duration.Record(0.5, new KeyValuePair<string, object?>("agent", "waf"));
        duration.Record(2, new KeyValuePair<string, object?>("agent", "waf"));
        duration.Record(0.5);

        Assert.That(_rig.RenderInstruments(), Is.EqualTo("""
            # HELP sidecar_agent_calls_total Calls
            # TYPE sidecar_agent_calls_total counter
            sidecar_agent_calls_total{agent="waf",event="a"} 2
            sidecar_agent_calls_total{agent="waf",event="b"} 1
            # HELP sidecar_call_duration_seconds Duration
            # TYPE sidecar_call_duration_seconds histogram
            sidecar_call_duration_seconds_bucket{le="5e-05"} 0
            sidecar_call_duration_seconds_bucket{le="0.25"} 0
            sidecar_call_duration_seconds_bucket{le="1"} 1
            sidecar_call_duration_seconds_bucket{le="+Inf"} 1
            sidecar_call_duration_seconds_sum 0.5
            sidecar_call_duration_seconds_count 1
            sidecar_call_duration_seconds_bucket{agent="waf",le="5e-05"} 1
            sidecar_call_duration_seconds_bucket{agent="waf",le="0.25"} 1
            sidecar_call_duration_seconds_bucket{agent="waf",le="1"} 2
            sidecar_call_duration_seconds_bucket{agent="waf",le="+Inf"} 3
            sidecar_call_duration_seconds_sum{agent="waf"} 2.50005
            sidecar_call_duration_seconds_count{agent="waf"} 3
            # HELP sidecar_exchanges_open Open
            # TYPE sidecar_exchanges_open gauge
            sidecar_exchanges_open -3
            # HELP sidecar_queue queue
            # TYPE sidecar_queue gauge
            sidecar_queue 1.5
            # HELP sidecar_sent_bytes_total sent
            # TYPE sidecar_sent_bytes_total counter
            sidecar_sent_bytes_total 0.5

            """));
    }

    [TestCase(double.PositiveInfinity, "+Inf")]
    [TestCase(double.NegativeInfinity, "-Inf")]
    [TestCase(double.NaN, "NaN")]
    [TestCase(1e21, "1e+21")]
    [TestCase(-0.1, "-0.1")]
    public void Render_GaugeValue_IsSpelledForPrometheus(double value, string expected)
    {
        _rig.Meter.CreateGauge<double>("level").Record(value);

        Assert.That(_rig.Sample("sidecar_level"), Is.EqualTo(expected));
    }

    [Test]
    public void Render_HelpWithLineBreakAndBackslash_StaysOneLine()
    {
        _rig.Meter.CreateCounter<long>("a", null, "one\\two\nthree").Add(1);

        Assert.That(_rig.Lines(), Does.Contain(@"# HELP sidecar_a_total one\\two\nthree"));
    }

    [Test]
    public void Record_TotalPast2To53_CountsEveryStep()
    {
        var counter = _rig.Meter.CreateCounter<long>("a");
        counter.Add(1L << 53);
        counter.Add(1);

        Assert.That(_rig.Sample("sidecar_a_total"), Is.EqualTo("9007199254740993"));
    }

    [Test]
    public void Record_WhatASeriesCannotHold_IsDroppedAndCounted()
    {
        var whole = _rig.Meter.CreateCounter<long>("whole");
        var real = _rig.Meter.CreateCounter<double>("real");
        var histogram = _rig.Meter.CreateHistogram<double>("histogram");
        whole.Add(3);
        whole.Add(-1);
        real.Add(1.5);
        real.Add(double.NaN);
        real.Add(-0.5);
        histogram.Record(1);
        histogram.Record(double.PositiveInfinity);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_rig.Sample("sidecar_whole_total"), Is.EqualTo("3"));
            Assert.That(_rig.Sample("sidecar_real_total"), Is.EqualTo("1.5"));
            Assert.That(_rig.Sample("sidecar_histogram_sum"), Is.EqualTo("1"));
            Assert.That(_rig.Sample("sidecar_histogram_count"), Is.EqualTo("1"));
            Assert.That(_rig.Sample("sidecar_metrics_anomalies_total{reason=\"invalid\"}"), Is.EqualTo("4"));
        }
    }

    [Test]
    public void Record_EveryNumericType_IsCollected()
    {
        _rig.Meter.CreateCounter<byte>("b").Add(1);
        _rig.Meter.CreateCounter<short>("s").Add(2);
        _rig.Meter.CreateCounter<int>("i").Add(3);
        _rig.Meter.CreateCounter<float>("f").Add(0.5f);
        _rig.Meter.CreateCounter<decimal>("d").Add(0.25m);
        _rig.Meter.CreateObservableCounter("o", () => 7);
        _rig.Meter.CreateObservableUpDownCounter("u", () => -7L);

        Assert.That(
            _rig.RenderInstruments().Split('\n').Where(line => line.Length > 0 && line[0] != '#'),
            Is.EqualTo(new[]
            {
                "sidecar_b_total 1", "sidecar_d_total 0.25", "sidecar_f_total 0.5", "sidecar_i_total 3", "sidecar_o_total 7",
                "sidecar_s_total 2", "sidecar_u -7",
            }));
    }

    [Test]
    public void Observe_ObserverThrows_OthersAreWrittenAndItIsCounted()
    {
        _rig.Meter.CreateObservableGauge("bad", int () => throw new InvalidOperationException("gone"));
        _rig.Meter.CreateObservableGauge("good", () => 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_rig.Sample("sidecar_good"), Is.EqualTo("1"));
            Assert.That(_rig.Sample("sidecar_bad"), Is.Null);
            Assert.That(_rig.Sample("sidecar_metrics_anomalies_total{reason=\"observer\"}"), Is.EqualTo("3"), "one per rendering");
        }
    }

    [Test]
    public void Instruments_OfOtherMetersAndFactories_AreNotHeard()
    {
        using var other = new MeterRig();
        other.Meter.CreateCounter<long>("a").Add(1);
        _rig.Factory.Create("Other").CreateCounter<long>("b").Add(1);

        Assert.That(_rig.RenderInstruments(), Is.Empty);
    }

    [Test]
    public void Instruments_WhoseSamplesWouldClash_AreRefused()
    {
        _rig.Meter.CreateHistogram<double>("call", "s");

        Assert.That(
            () => _rig.Meter.CreateGauge<long>("call.seconds.count"),
            Throws.InvalidOperationException.With.Message.Contains("'sidecar_call_seconds_count'"));
    }

    [Test]
    public void Dispose_LaterMeasurements_AreNotCounted()
    {
        var counter = _rig.Meter.CreateCounter<long>("a");
        counter.Add(1);
        _rig.Exporter.Dispose();
        counter.Add(1);

        Assert.That(_rig.Sample("sidecar_a_total"), Is.EqualTo("1"));
    }

    [TestCase("", 1)]
    [TestCase("1a", 1)]
    [TestCase("a-b", 1)]
    [TestCase("a\n", 1)]
    [TestCase("a", 0)]
    [TestCase("a", 1_000_001)]
    public void Constructor_OptionOutOfRange_IsRefused(string prefix, int series) =>
        Assert.That(
            () => new PrometheusExporter(_rig.Factory, new PrometheusExporterOptions { Prefix = prefix, MaxSeriesPerInstrument = series }),
            Throws.ArgumentException);
}
