using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Diagnostics.Metrics;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Diagnostics;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed partial class SidecarMetricsTests : IDisposable
{
    private static readonly AgentSnapshot Waf = new("waf", "1")
    {
        Connections = 4,
        Healthy = 3,
        Paused = 1,
        InFlight = 17,
        Running = 16,
        Limit = 20,
        Shed = 3,
        Waiting = 64,
        QueuePercent = 25,
        IsAvailable = true,
        State = 2,
        Breaker = 1,
        BodyBuffer = 4096,
        StickySessions = 12,
        StickyMoved = 1,
        StickyExpired = 2,
        StickyEvicted = 3,
        StickyCleared = 4,
    };

    private readonly MeterRig _rig = new();
    private readonly SidecarMetrics _metrics;
    private readonly ExchangeObservers _observers;
    private readonly Exchange _exchange = Exchange.TryBegin(TestEvents.Id(1), "web", generation: 1, new RouteModel { Id = "shop" }, started: 0)!;

    public SidecarMetricsTests()
    {
        _metrics = new SidecarMetrics(_rig.Factory);
        _observers = new ExchangeObservers([new ExchangeMetrics(_metrics)], TimeProvider.System, NullLogger<ExchangeObservers>.Instance);
    }

    public void Dispose()
    {
        _metrics.Dispose();
        _rig.Dispose();
    }

    [Test]
    public void EveryMethod_RendersItsMetric()
    {
        RecordEverything();
        _metrics.Agents.Observe(() => [Waf, new AgentSnapshot("bot", "1")]);
        _metrics.ObserveBuild("1.2");
        _metrics.ObserveFailures(() => 2);
        _metrics.ObserveConfiguration(static () => new ConfigurationFigures(3, DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_500), true, false));

        Assert.That(Samples().Where(line => !line.Contains("_bucket", StringComparison.Ordinal)), Is.EqualTo(new[]
        {
            """sidecar_agent_available{agent="bot",version="1"} 0""",
            """sidecar_agent_available{agent="waf",version="1"} 1""",
            """sidecar_agent_body_bytes_total{agent="waf",direction="request",fate="missed",version="7"} 5""",
            """sidecar_agent_body_bytes_total{agent="waf",direction="request",fate="seen",version="7"} 10""",
            """sidecar_agent_breaker{agent="bot",version="1"} 0""",
            """sidecar_agent_breaker{agent="waf",version="1"} 1""",
            """sidecar_agent_buffer_utilization_percent{agent="bot",version="1"} 0""",
            """sidecar_agent_buffer_utilization_percent{agent="waf",version="1"} 25""",
            """sidecar_agent_calls_limit{agent="bot",version="1"} 0""",
            """sidecar_agent_calls_limit{agent="waf",version="1"} 20""",
            """sidecar_agent_calls_running{agent="bot",version="1"} 0""",
            """sidecar_agent_calls_running{agent="waf",version="1"} 16""",
            """sidecar_agent_calls_shed_total{agent="bot",version="1"} 0""",
            """sidecar_agent_calls_shed_total{agent="waf",version="1"} 3""",
            """sidecar_agent_calls_total{agent="waf",event="request_headers",outcome="Answered",version="7"} 1""",
            """sidecar_agent_calls_total{agent="waf",event="request_headers",outcome="ConnectionLost",version="7"} 1""",
            """sidecar_agent_calls_total{agent="waf",event="request_headers",outcome="NotSendable",version="7"} 1""",
            """sidecar_agent_calls_total{agent="waf",event="request_headers",outcome="Paused",version="7"} 1""",
            """sidecar_agent_calls_total{agent="waf",event="request_headers",outcome="TimedOut",version="7"} 1""",
            """sidecar_agent_calls_waiting{agent="bot",version="1"} 0""",
            """sidecar_agent_calls_waiting{agent="waf",version="1"} 64""",
            """sidecar_agent_config_pushes_total{agent="waf",state="acknowledged"} 1""",
            """sidecar_agent_config_requests_total{accepted="true",agent="waf",type="request_reload"} 1""",
            """sidecar_agent_connection_errors_total{agent="waf",version="7"} 1""",
            """sidecar_agent_connections{agent="bot",version="1"} 0""",
            """sidecar_agent_connections{agent="waf",version="1"} 4""",
            """sidecar_agent_exchanges_total{agent="waf",cause="none",direction="request",state="inspected",version="7"} 1""",
            """sidecar_agent_flow_control_pauses_total{agent="waf"} 1""",
            """sidecar_agent_flow_control_rejections_total{agent="waf",version="7"} 1""",
            """sidecar_agent_flow_control_resumes_total{agent="waf"} 1""",
            """sidecar_agent_healthy_connections{agent="bot",version="1"} 0""",
            """sidecar_agent_healthy_connections{agent="waf",version="1"} 3""",
            """sidecar_agent_held_body_bytes{agent="bot"} 0""",
            """sidecar_agent_held_body_bytes{agent="waf"} 4096""",
            """sidecar_agent_in_flight_requests{agent="bot",version="1"} 0""",
            """sidecar_agent_in_flight_requests{agent="waf",version="1"} 17""",
            """sidecar_agent_paused_connections{agent="bot",version="1"} 0""",
            """sidecar_agent_paused_connections{agent="waf",version="1"} 1""",
            """sidecar_agent_registrations_total{listener="agents",outcome="registered"} 1""",
            """sidecar_agent_reports_dropped_total{agent="waf",reason="bad-name"} 3""",
            """sidecar_agent_reports_total{agent="waf"} 1""",
            """sidecar_agent_request_duration_seconds_sum{agent="waf",event="request_headers",version="7"} 0.01""",
            """sidecar_agent_request_duration_seconds_count{agent="waf",event="request_headers",version="7"} 5""",
            """sidecar_agent_requests_total{agent="waf",event="request_headers",version="7"} 3""",
            """sidecar_agent_responses_total{agent="waf",version="7"} 1""",
            """sidecar_agent_retries_total{agent="waf",version="7"} 1""",
            """sidecar_agent_serialization_errors_total{agent="waf",version="7"} 1""",
            """sidecar_agent_serialization_seconds_sum{agent="waf"} 0.002""",
            """sidecar_agent_serialization_seconds_count{agent="waf"} 1""",
            """sidecar_agent_state{agent="bot",version="1"} 0""",
            """sidecar_agent_state{agent="waf",version="1"} 2""",
            """sidecar_agent_sticky_session_changes_total{agent="bot",change="cleared",version="1"} 0""",
            """sidecar_agent_sticky_session_changes_total{agent="bot",change="evicted",version="1"} 0""",
            """sidecar_agent_sticky_session_changes_total{agent="bot",change="expired",version="1"} 0""",
            """sidecar_agent_sticky_session_changes_total{agent="bot",change="moved",version="1"} 0""",
            """sidecar_agent_sticky_session_changes_total{agent="waf",change="cleared",version="1"} 4""",
            """sidecar_agent_sticky_session_changes_total{agent="waf",change="evicted",version="1"} 3""",
            """sidecar_agent_sticky_session_changes_total{agent="waf",change="expired",version="1"} 2""",
            """sidecar_agent_sticky_session_changes_total{agent="waf",change="moved",version="1"} 1""",
            """sidecar_agent_sticky_sessions{agent="bot",version="1"} 0""",
            """sidecar_agent_sticky_sessions{agent="waf",version="1"} 12""",
            """sidecar_agent_timeouts_total{agent="waf",event="request_headers",version="7"} 1""",
            """sidecar_config_generation 3""",
            """sidecar_config_last_good 0""",
            """sidecar_config_last_reload_success_timestamp_seconds 1700000000.5""",
            """sidecar_config_last_reload_successful 1""",
            """sidecar_exchanges_open 0""",
            """sidecar_exchanges_received_total{listener="web"} 1""",
            """sidecar_exchanges_total{cause="none",listener="web",route="shop",state="inspected"} 1""",
            """sidecar_info{version="1.2"} 1""",
            """sidecar_monitor_verdicts_total{agent="waf",verdict="would-block",version="7"} 1""",
            """sidecar_observer_failures_total 2""",
            """sidecar_operations_unapplied_total{listener="web",operation="remove"} 1""",
            """sidecar_proxy_session_ends_total{listener="web",reason="closed-by-proxy"} 1""",
            """sidecar_proxy_sessions{listener="web"} 0""",
            """sidecar_reloads_total{outcome="applied"} 1""",
            """sidecar_replies_total{listener="web",token="valid"} 1""",
            """sidecar_verdicts_total{route="shop",verdict="allow"} 1""",
        }));
    }

    [Test]
    public void NamesTypesAndLabels_AreThoseOfTheDocumentation()
    {
        RecordEverything();
        _metrics.Agents.Observe(() => [Waf]);
        _metrics.ObserveBuild("1.2");
        _metrics.ObserveFailures(() => 2);
        _metrics.ObserveConfiguration(static () => new ConfigurationFigures(3, DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_500), true, false));
        var page = _rig.Lines();
        string RowOf(string help)
        {
            var (name, text) = (help.Split(' ')[2], help[(help.IndexOf(' ', "# HELP ".Length) + 1)..]);
            var type = page.Single(line => line.StartsWith($"# TYPE {name} ", StringComparison.Ordinal)).Split(' ')[3];
            var samples = page.Where(line => SeriesOf().Match(line) is { Success: true } series && series.Groups["name"].Value == name);
            var labels = samples.SelectMany(static line => LabelOf().Matches(line)).Select(static label => label.Groups["name"].Value)
                .Distinct(StringComparer.Ordinal);
            return $"| `{name}` | {type} | {string.Join(", ", labels.Where(static label => label != "le").Select(static label => $"`{label}`"))} | {text} |";
        }

        var rows = page.Where(static line => line.StartsWith("# HELP ", StringComparison.Ordinal)).Select(RowOf);
        var documented = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "docs", "Sidecar.Daemon", "docs", "metrics.md"))
            .Where(static line => line.StartsWith("| `", StringComparison.Ordinal));

        Assert.That(rows, Is.EqualTo(documented));
    }

    [Test]
    public void EveryInstrument_IsRecordedHere()
    {
        using var listener = new MeterListener();
        var published = new HashSet<string>(StringComparer.Ordinal);
        var recorded = new HashSet<string>(StringComparer.Ordinal);
        listener.InstrumentPublished = (instrument, own) =>
        {
            if (instrument.Meter.Scope == _rig.Factory)
            {
                published.Add(instrument.Name);
                own.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, _, _, _) => recorded.Add(instrument.Name));
        listener.SetMeasurementEventCallback<int>((instrument, _, _, _) => recorded.Add(instrument.Name));
        listener.SetMeasurementEventCallback<double>((instrument, _, _, _) => recorded.Add(instrument.Name));
        listener.Start();
        _metrics.Agents.Observe(() => [Waf]);
        _metrics.ObserveBuild("1.2");
        _metrics.ObserveFailures(() => 2);
        _metrics.ObserveConfiguration(static () => new ConfigurationFigures(3, DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_500), true, false));
        RecordEverything();
        listener.RecordObservableInstruments();

        Assert.That(published.Except(recorded), Is.Empty, "a metric whose labels nobody holds");
    }

    [Test]
    public void EveryMetric_FollowsTheConventionsOfPrometheus()
    {
        RecordEverything();
        _metrics.Agents.Observe(() => [Waf]);

        var types = _rig.Lines()
            .Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal))
            .Select(line => line.Split(' '))
            .ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(types, Has.Length.EqualTo(45));
            foreach (var type in types)
            {
                Assert.That(type[2], Does.Match("^sidecar(_[a-z]+)+$"));
                Assert.That(type[2].EndsWith("_total", StringComparison.Ordinal), Is.EqualTo(type[3] == "counter"), type[2]);

                // What promtool looks for besides: base units only, no suffix that histograms need, no type in the name.
                Assert.That(type[2].Split('_').Intersect(["milliseconds", "microseconds", "ms", "minutes", "hours", "kb", "mb", "kilobytes", "counter", "gauge", "histogram"]), Is.Empty, type[2]);
                Assert.That(type[2], Does.Not.Match("_(count|sum|bucket)$"));
            }

            Assert.That(Samples(), Has.All.Matches<string>(line => SampleLine().IsMatch(line)));
        }
    }

    [Test]
    public void Recording_InSteadyState_AllocatesNothing() => Assert.That(Allocations.Of(2_000, RecordEverything), Is.Zero);

    [Test]
    public void Observe_AgentThatLeft_IsNoLongerShown()
    {
        var agents = new List<AgentSnapshot> { new("waf", "1") { Connections = 1 }, new("bot", "1") { Connections = 2 } };
        _metrics.Agents.Observe(() => agents);
        var before = _rig.Sample("sidecar_agent_connections{agent=\"bot\",version=\"1\"}");
        agents.RemoveAt(1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Is.EqualTo("2"));
            Assert.That(_rig.Sample("sidecar_agent_connections{agent=\"bot\",version=\"1\"}"), Is.Null);
            Assert.That(_rig.Sample("sidecar_agent_connections{agent=\"waf\",version=\"1\"}"), Is.EqualTo("1"));
        }
    }

    [Test]
    public void Observe_ASecondTime_IsRefused()
    {
        _metrics.Agents.Observe(() => []);

        Assert.That(() => _metrics.Agents.Observe(() => []), Throws.InvalidOperationException);
    }

    [GeneratedRegex("""^[a-z_]+(\{([a-z]+="[^"\\\n]*",?)+\})? [0-9][0-9.e+-]*$""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex SampleLine();

    [GeneratedRegex("""^(?<name>[a-z_]+?)(_bucket|_sum|_count)?[{ ]""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex SeriesOf();

    [GeneratedRegex("""[{,](?<name>[a-z]+)=""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex LabelOf();

    private string[] Samples() => [.. _rig.RenderInstruments().Split('\n').Where(line => line.Length > 0 && line[0] != '#')];

    [Test]
    public void ThePage_PassesAStrictReader_AndPromtoolWhereItIsInstalled()
    {
        RecordEverything();
        _metrics.Agents.Observe(() => [Waf]);
        var page = _rig.Render();
        Assert.That(new PrometheusPage(page).Types, Is.Not.Empty);
        if (!File.Exists("/usr/bin/promtool"))
        {
            return;
        }

        using var promtool = Process.Start(new ProcessStartInfo("/usr/bin/promtool", ["check", "metrics"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        promtool.StandardInput.Write(page);
        promtool.StandardInput.Close();
        var said = promtool.StandardError.ReadToEnd() + promtool.StandardOutput.ReadToEnd();
        promtool.WaitForExit();
        Assert.That((promtool.ExitCode, said), Is.EqualTo((0, "")));
    }

    private void RecordEverything()
    {
        var recorder = _observers.Rent();
        _exchange.BeginRecord(recorder, host: null, target: null, method: null);
        Called(CallOutcome.Answered);
        Called(CallOutcome.TimedOut);
        Called(CallOutcome.ConnectionLost, isRetry: true);
        Called(CallOutcome.NotSendable);
        Called(CallOutcome.Paused);
        _exchange.Give(EventKind.RequestHeaders, Verdict.Allow);
        _exchange.NoteUnapplied("remove");
        _exchange.Record(new RecordEntry { Kind = RecordKind.WouldBe, Agent = "waf", Version = "7", Label = "would-block" });
        _exchange.Record(new RecordEntry { Kind = RecordKind.Skipped, Agent = "waf", Version = "7", Skip = SkipReason.NotWanted });
        recorder.Add(new AgentRecord
        {
            Agent = "waf",
            Version = "7",
            Mode = AgentMode.Enforce,
            Stage = 0,
            Request = new LedgerEntry(LedgerState.Inspected, Cause.None),
            RequestBody = new BodyRecord(Seen: 10, Missed: 5),
        });
        _exchange.CloseRecord(new LedgerEntry(LedgerState.Inspected, Cause.None), now: 0);
        _metrics.Agents.Encoded("waf", TimeSpan.FromMilliseconds(2));
        _metrics.Agents.FlowControl("waf", FlowAction.Pause);
        _metrics.Agents.FlowControl("waf", FlowAction.Resume);
        _metrics.Agents.FlowControl("waf", FlowAction.UpdateCapacity);
        _metrics.Agents.Reported("waf");
        _metrics.Agents.ReportDropped("waf", "bad-name", 3);
        _metrics.Agents.PushEnded("waf", "acknowledged");
        _metrics.Agents.UpdateRequested("waf", "request_reload", accepted: true);
        _metrics.ReplySent("web", "valid");
        _metrics.Reloaded("applied");
        _metrics.Registered("agents", "registered");
        _metrics.SessionStarted("web");
        _metrics.SessionEnded("web", "closed-by-proxy");
    }

    private void Called(CallOutcome outcome, bool isRetry = false) => _exchange.Record(new RecordEntry
    {
        Kind = RecordKind.Call,
        Event = EventKind.RequestHeaders,
        Agent = "waf",
        Version = "7",
        Outcome = outcome,
        IsRetry = isRetry,
        Times = new CallTimes { Took = TimeSpan.FromMilliseconds(2) },
    });
}
