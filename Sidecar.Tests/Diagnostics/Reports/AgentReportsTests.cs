using System.Buffers;
using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.Diagnostics.Reports;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Diagnostics.Reports;

/// <summary>What agents report, by the rules of spec §9.10. Each page is read by a strict reader.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class AgentReportsTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new();
    private readonly MetricSums _sums = new();
    private readonly AgentReports _reports;

    public AgentReportsTests() => _reports = Reports(new AgentReportLimits());

    public void Dispose() => _sums.Dispose();

    [Test]
    public void Defect33_EveryKind_IsShownUnderTheNameOfTheConnectionsAgent()
    {
        _reports.Take("waf", "1", null, new MetricsReport
        {
            AgentId = "somebody-else",
            Counters = [Counter("agent_requests_total", 3, ("decision", "allow")) with { Help = "Requests\nseen \\ done" }],
            Gauges = [new GaugeMetric { Name = "agent_queue_depth", Value = 1.5, Labels = Labels(("agent", "bot"), ("agent_id", "bot")) }],
            Histograms = [Histogram("agent_requests_duration_seconds", 2, 2, (0.1, 1), (double.PositiveInfinity, 2))],
        });

        Assert.That(Render(_reports), Is.EqualTo("""
            # HELP agent_queue_depth Reported by agents
            # TYPE agent_queue_depth gauge
            agent_queue_depth{agent="waf",agent_version="1"} 1.5
            # HELP agent_requests_duration_seconds Reported by agents
            # TYPE agent_requests_duration_seconds histogram
            agent_requests_duration_seconds_bucket{agent="waf",agent_version="1",le="0.1"} 1
            agent_requests_duration_seconds_bucket{agent="waf",agent_version="1",le="+Inf"} 2
            agent_requests_duration_seconds_sum{agent="waf",agent_version="1"} 2
            agent_requests_duration_seconds_count{agent="waf",agent_version="1"} 2
            # HELP agent_requests_total Requests\nseen \\ done
            # TYPE agent_requests_total counter
            agent_requests_total{agent="waf",agent_version="1",decision="allow"} 3

            """));
    }

    [Test]
    public void OneName_OfSeveralAgents_IsOneMetric_AndTheLatestValueCounts()
    {
        Take("b", Counter("hits_total", 1));
        Take("a", Counter("hits_total", 2));
        Take("a", Counter("hits_total", 7));
        var page = Page();
        Assert.That(page.Samples, Is.EqualTo(new Dictionary<string, double> { ["hits_total{agent=\"a\",agent_version=\"1\"}"] = 7, ["hits_total{agent=\"b\",agent_version=\"1\"}"] = 1 }));
    }

    [Test]
    public void ProcessesOfOneAgent_AreToldApart()
    {
        _reports.Take("waf", "1", "0", new MetricsReport { Counters = [Counter("hits_total", 1, ("endpoint", "mine"))] });
        _reports.Take("waf", "1", "1", new MetricsReport { Counters = [Counter("hits_total", 2)] });
        Assert.That(Page().Samples.Keys, Is.EquivalentTo(new[] { "hits_total{agent=\"waf\",agent_version=\"1\",endpoint=\"0\"}", "hits_total{agent=\"waf\",agent_version=\"1\",endpoint=\"1\"}" }));
    }

    [Test]
    public void VersionsOfOneAgent_AreToldApart()
    {
        _reports.Take("waf", "1", null, new MetricsReport { Counters = [Counter("hits_total", 1, ("agent_version", "mine"))] });
        _reports.Take("waf", "2", null, new MetricsReport { Counters = [Counter("hits_total", 2, ("version", "its own"))] });
        Assert.That(Page().Samples, Is.EquivalentTo(new Dictionary<string, double>
        {
            ["hits_total{agent=\"waf\",agent_version=\"1\"}"] = 1,
            ["hits_total{agent=\"waf\",agent_version=\"2\",version=\"its own\"}"] = 2,
        }));
    }

    [TestCase(ulong.MaxValue, "18446744073709551615")]
    [TestCase(0UL, "0")]
    public void Counters_OfAnySize_AreWrittenWhole(ulong value, string expected)
    {
        Take("waf", Counter("hits_total", value));
        Assert.That(Render(_reports), Does.Contain($"hits_total{{agent=\"waf\",agent_version=\"1\"}} {expected}\n"));
    }

    [TestCase(double.NaN, "NaN")]
    [TestCase(double.PositiveInfinity, "+Inf")]
    [TestCase(double.NegativeInfinity, "-Inf")]
    [TestCase(-1e300, "-1e+300")]
    public void Gauges_OfAnyValue_AreSpelledForPrometheus(double value, string expected)
    {
        Take("waf", new GaugeMetric { Name = "load", Value = value });
        Assert.That(Render(_reports), Does.Contain($"load{{agent=\"waf\",agent_version=\"1\"}} {expected}\n"));
        _ = Page();
    }

    [TestCase("")]
    [TestCase("1st")]
    [TestCase("with-dash")]
    [TestCase("näme")]
    [TestCase("a b")]
    [TestCase("a\n# TYPE evil counter")]
    public void NamesThatAreNone_AreRefused(string name) => IsDropped(Counter(name, 1), "bad-name");

    [Test]
    public void NamesOfBoundlessLength_AreRefused()
    {
        Take("waf", Counter(new string('a', AgentReportLimits.MaxNameLength), 1));
        Assert.That(Page().Samples, Has.Count.EqualTo(1));
        IsDropped(Counter(new string('a', AgentReportLimits.MaxNameLength + 1), 1), "bad-name");
    }

    [TestCase("sidecar")]
    [TestCase("sidecar_exchanges_total")]
    public void NamesOfOurs_AreRefused(string name) => IsDropped(Counter(name, 1), "reserved-name");

    [TestCase("le")]
    [TestCase("quantile")]
    [TestCase("__name__")]
    [TestCase("overflow")]
    [TestCase("1")]
    [TestCase("a-b")]
    [TestCase("")]
    public void LabelsThatAreNone_AreRefused(string name) => IsDropped(Counter("hits_total", 1, (name, "x")), "bad-labels");

    [Test]
    public void TooManyLabels_AreRefused()
    {
        var labels = Enumerable.Range(0, AgentReportLimits.MaxLabels + 1).Select(static i => ($"l{i}", "x")).ToArray();
        Take("waf", Counter("hits_total", 1, labels[1..]));
        Assert.That(Page().Samples, Has.Count.EqualTo(1));
        IsDropped(Counter("misses_total", 1, labels), "bad-labels");
    }

    [Test]
    public void LabelValues_AreEscapedAndCut()
    {
        Take("waf", Counter("hits_total", 1, ("rule", "a\"b\\c\nd\uD800" + new string('x', 10_000))));
        Assert.That(Render(_reports), Has.Length.LessThan(1000).And.Contains("rule=\"a\\\"b\\\\c\\nd\uFFFDx"));
        _ = Page();
    }

    [Test]
    public void HistogramsThatDoNotAddUp_AreRefused()
    {
        AgentMetric[] wrong =
        [
            Histogram("h", 1, 2, (2, 1), (1, 2)),
            Histogram("h", 1, 2, (1, 1), (1, 2)),
            Histogram("h", 1, 1, (1, 2), (2, 1)),
            Histogram("h", 1, 1, (double.NaN, 1)),
            Histogram("h", 1, 2, (1, 1), (double.PositiveInfinity, 1)),
            Histogram("h", 1, 0, (1, 1)),
            Histogram("h", double.NaN, 1, (1, 1)),
            Histogram("h", double.PositiveInfinity, 1, (1, 1)),
            Histogram("h", 1, 0, [.. Enumerable.Range(0, AgentReportLimits.MaxBuckets + 1).Select(static i => ((double)i, 0UL))]),
        ];
        foreach (var metric in wrong)
        {
            Take("waf", metric);
        }

        Assert.That(_sums.Of("agent.reports.dropped"), Is.EqualTo(new[] { $"waf|bad-value={wrong.Length}" }));
        Assert.That(Page().Samples, Is.Empty);
    }

    [Test]
    public void AHistogramWithoutItsLastBucket_GetsIt()
    {
        Take("waf", Histogram("h", 1, 3, (1, 2)));
        Assert.That(Page().Samples["h_bucket{agent=\"waf\",agent_version=\"1\",le=\"+Inf\"}"], Is.EqualTo(3));
    }

    [Test]
    public void ANameTakenWithAnotherType_IsRefused_UntilItIsFreeAgain()
    {
        Take("waf", Counter("h_count", 1));
        Take("bot", Histogram("h", 1, 1, (1, 1)));
        Take("bot", new GaugeMetric { Name = "h_count", Value = 1 });
        Take("waf", new GaugeMetric { Name = "h_count", Value = 1 });
        Assert.That(_sums.Of("agent.reports.dropped"), Is.EqualTo(new[] { "bot|type-conflict=2", "waf|type-conflict=1" }));
        Assert.That(Page().Types, Is.EqualTo(new Dictionary<string, string> { ["h_count"] = "counter" }));

        _reports.Forget("waf");
        Take("bot", Histogram("h", 1, 1, (1, 1)));
        Assert.That(Page().Types, Is.EqualTo(new Dictionary<string, string> { ["h"] = "histogram" }));
    }

    [Test]
    public void SeriesOfOneAgent_AreBounded_KnownOnesGoOn()
    {
        var reports = Reports(new AgentReportLimits { MaxSeriesPerAgent = 2 });
        reports.Take("waf", "1", null, new MetricsReport { Counters = [Counter("a", 1), Counter("b", 1), Counter("c", 1)] });
        reports.Take("waf", "1", null, new MetricsReport { Counters = [Counter("b", 5), Counter("c", 1)] });
        reports.Take("bot", "1", null, new MetricsReport { Counters = [Counter("c", 1)] });
        Assert.That(_sums.Of("agent.reports.dropped"), Is.EqualTo(new[] { "waf|series-limit=2" }));
        Assert.That(new PrometheusPage(Render(reports)).Samples, Is.EqualTo(new Dictionary<string, double>
        {
            ["a{agent=\"waf\",agent_version=\"1\"}"] = 1,
            ["b{agent=\"waf\",agent_version=\"1\"}"] = 5,
            ["c{agent=\"bot\",agent_version=\"1\"}"] = 1,
        }));
    }

    [Test]
    public void SeriesOfAllAgents_AreBounded()
    {
        var reports = Reports(new AgentReportLimits { MaxSeries = 2 });
        reports.Take("waf", "1", null, new MetricsReport { Counters = [Counter("a", 1), Counter("b", 1)] });
        reports.Take("bot", "1", null, new MetricsReport { Counters = [Counter("a", 1)] });
        Assert.That(_sums.Of("agent.reports.dropped"), Is.EqualTo(new[] { "bot|series-limit=1" }));
        reports.Forget("waf");
        reports.Take("bot", "1", null, new MetricsReport { Counters = [Counter("a", 1)] });
        Assert.That(new PrometheusPage(Render(reports)).Samples.Keys, Is.EqualTo(new[] { "a{agent=\"bot\",agent_version=\"1\"}" }));
    }

    [Test]
    public void ASeriesNotReportedForFiveMinutes_IsNoLongerShown()
    {
        Take("waf", Counter("old_total", 1));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Take("waf", Counter("new_total", 1));
        _clock.Advance(TimeSpan.FromMinutes(4));
        Assert.That(Page().Samples, Has.Count.EqualTo(2), "exactly five minutes");
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That(Page().Samples.Keys, Is.EqualTo(new[] { "new_total{agent=\"waf\",agent_version=\"1\"}" }));
    }

    [Test]
    public void AFullTable_MakesRoomOfWhatIsStale()
    {
        var reports = Reports(new AgentReportLimits { MaxSeriesPerAgent = 1 });
        reports.Take("waf", "1", null, new MetricsReport { Counters = [Counter("a", 1)] });
        _clock.Advance(TimeSpan.FromMinutes(6));
        reports.Take("waf", "1", null, new MetricsReport { Counters = [Counter("b", 1)] });
        Assert.That(new PrometheusPage(Render(reports)).Samples.Keys, Is.EqualTo(new[] { "b{agent=\"waf\",agent_version=\"1\"}" }));
    }

    private AgentReports Reports(AgentReportLimits limits) => new(_sums.Metrics.Agents, "sidecar", limits, _clock);

    private void IsDropped(AgentMetric metric, string reason)
    {
        var before = Page().Samples.Count;
        Take("waf", metric);
        Assert.That(_sums.Of("agent.reports.dropped"), Is.EqualTo(new[] { $"waf|{reason}=1" }));
        Assert.That(Page().Samples, Has.Count.EqualTo(before));
    }

    private void Take(string agent, AgentMetric metric) => _reports.Take(agent, "1", null, metric switch
    {
        CounterMetric counter => new MetricsReport { Counters = [counter] },
        HistogramMetric histogram => new MetricsReport { Histograms = [histogram] },
        _ => new MetricsReport { Gauges = [(GaugeMetric)metric] },
    });

    private PrometheusPage Page() => new(Render(_reports));

    private static string Render(AgentReports reports)
    {
        var output = new ArrayBufferWriter<byte>();
        reports.Render(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static CounterMetric Counter(string name, ulong value, params (string, string)[] labels) =>
        new() { Name = name, Value = value, Labels = Labels(labels) };

    private static HistogramMetric Histogram(string name, double sum, ulong count, params (double Bound, ulong Count)[] buckets) =>
        new() { Name = name, Sum = sum, Count = count, Buckets = [.. buckets.Select(static bucket => new HistogramBucket(bucket.Bound, bucket.Count))] };

    private static Dictionary<string, string> Labels(params (string Name, string Value)[] labels) =>
        labels.ToDictionary(static label => label.Name, static label => label.Value);
}
