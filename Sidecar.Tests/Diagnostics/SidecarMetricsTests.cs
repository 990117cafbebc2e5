using System.Text.RegularExpressions;
using NUnit.Framework;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Diagnostics;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed partial class SidecarMetricsTests : IDisposable
{
    private readonly MeterRig _rig = new();
    private readonly SidecarMetrics _metrics;

    public SidecarMetricsTests() => _metrics = new SidecarMetrics(_rig.Factory);

    public void Dispose()
    {
        _metrics.Dispose();
        _rig.Dispose();
    }

    [Test]
    public void EveryMethod_RendersItsMetric()
    {
        RecordEverything();
        _metrics.ObserveAgents(() => [("waf", 4, 17, true), ("bot", 0, 0, false)]);

        Assert.That(Samples().Where(line => !line.Contains("_bucket", StringComparison.Ordinal)), Is.EqualTo(new[]
        {
            """sidecar_agent_available{agent="bot"} 0""",
            """sidecar_agent_available{agent="waf"} 1""",
            """sidecar_agent_call_duration_seconds_sum{agent="waf",event="request_headers"} 0.002""",
            """sidecar_agent_call_duration_seconds_count{agent="waf",event="request_headers"} 1""",
            """sidecar_agent_calls_total{agent="waf",event="request_headers",outcome="Answered"} 1""",
            """sidecar_agent_connections{agent="bot"} 0""",
            """sidecar_agent_connections{agent="waf"} 4""",
            """sidecar_agent_exchanges_total{agent="waf",cause="none",direction="request",state="inspected"} 1""",
            """sidecar_agent_in_flight{agent="bot"} 0""",
            """sidecar_agent_in_flight{agent="waf"} 17""",
            """sidecar_agent_retries_total{agent="waf"} 1""",
            """sidecar_exchanges_open 0""",
            """sidecar_exchanges_received_total{listener="web"} 1""",
            """sidecar_exchanges_total{cause="none",listener="web",route="shop",state="inspected"} 1""",
            """sidecar_monitor_verdicts_total{agent="waf",verdict="block"} 1""",
            """sidecar_operations_unapplied_total{listener="web",operation="remove"} 1""",
            """sidecar_replies_total{listener="web",token="valid"} 1""",
            """sidecar_verdicts_total{route="shop",verdict="allow"} 1""",
        }));
    }

    [Test]
    public void EveryMetric_FollowsTheConventionsOfPrometheus()
    {
        RecordEverything();
        _metrics.ObserveAgents(() => [("waf", 4, 17, true)]);

        var types = _rig.Lines()
            .Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal))
            .Select(line => line.Split(' '))
            .ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(types, Has.Length.EqualTo(15));
            foreach (var type in types)
            {
                Assert.That(type[2], Does.Match("^sidecar(_[a-z]+)+$"));
                Assert.That(type[2].EndsWith("_total", StringComparison.Ordinal), Is.EqualTo(type[3] == "counter"), type[2]);
            }

            Assert.That(Samples(), Has.All.Matches<string>(line => SampleLine().IsMatch(line)));
        }
    }

    [Test]
    public void Recording_InSteadyState_AllocatesNothing()
    {
        for (var i = 0; i < 1_000; i++)
        {
            RecordEverything();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++)
        {
            RecordEverything();
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public void ObserveAgents_AgentThatLeft_IsNoLongerShown()
    {
        var agents = new List<(string, int, int, bool)> { ("waf", 1, 0, true), ("bot", 2, 0, true) };
        _metrics.ObserveAgents(() => agents);
        var before = _rig.Sample("sidecar_agent_connections{agent=\"bot\"}");
        agents.RemoveAt(1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Is.EqualTo("2"));
            Assert.That(_rig.Sample("sidecar_agent_connections{agent=\"bot\"}"), Is.Null);
            Assert.That(_rig.Sample("sidecar_agent_connections{agent=\"waf\"}"), Is.EqualTo("1"));
        }
    }

    [Test]
    public void ObservePools_ShowsStateBreakerAndCounts_AndIsRefusedASecondTime()
    {
        _metrics.ObservePools(() => [new PoolObservation("waf", State: 1, Breaker: 2, Running: 3, Waiting: 4, Available: 5, Paused: 6)]);

        Assert.That(
            new[] { "state", "breaker", "calls_running", "calls_waiting", "connections_available", "connections_paused" }
                .Select(name => _rig.Sample($"sidecar_agent_{name}{{agent=\"waf\"}}")),
            Is.EqualTo(new[] { "1", "2", "3", "4", "5", "6" }));
        Assert.That(() => _metrics.ObservePools(() => []), Throws.InvalidOperationException);
    }

    [Test]
    public void ObserveAgents_ASecondTime_IsRefused()
    {
        _metrics.ObserveAgents(() => []);

        Assert.That(() => _metrics.ObserveAgents(() => []), Throws.InvalidOperationException);
    }

    [GeneratedRegex("""^[a-z_]+(\{([a-z]+="[^"\\\n]*",?)+\})? [0-9][0-9.e+-]*$""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex SampleLine();

    private string[] Samples() => [.. _rig.RenderInstruments().Split('\n').Where(line => line.Length > 0 && line[0] != '#')];

    private void RecordEverything()
    {
        _metrics.ExchangeStarted("web");
        _metrics.ExchangeEnded("web", "shop", "inspected", "none");
        _metrics.AgentExchangeEnded("waf", "request", "inspected", "none");
        _metrics.VerdictGiven("shop", "allow");
        _metrics.CallEnded("waf", EventKind.RequestHeaders, "Answered", TimeSpan.FromMilliseconds(2));
        _metrics.Retried("waf");
        _metrics.Monitored("waf", "block");
        _metrics.Unapplied("web", "remove");
        _metrics.ReplySent("web", "valid");
    }
}
