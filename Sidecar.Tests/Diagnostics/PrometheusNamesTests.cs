using NUnit.Framework;
using Sidecar.Daemon.Diagnostics;

namespace Sidecar.Tests.Diagnostics;

[TestFixture]
internal sealed class PrometheusNamesTests
{
    [TestCase("agent.calls", "{call}", "p_agent_calls_total")]
    [TestCase("agent.calls", null, "p_agent_calls_total")]
    [TestCase("calls.total", null, "p_calls_total")]
    [TestCase("body", "By", "p_body_bytes_total")]
    [TestCase("body.bytes", "By", "p_body_bytes_total")]
    [TestCase("body.bytes.total", "By", "p_body_bytes_total")]
    [TestCase("cpu", "s{busy}", "p_cpu_seconds_total")]
    [TestCase("a-b/c", "1", "p_a_b_c_total")]
    public void Metric_Counter_EndsInTotal(string instrument, string? unit, string expected) =>
        Assert.That(PrometheusNames.Metric("p", instrument, unit, MetricKind.Counter), Is.EqualTo(expected));

    [TestCase("fill", "1", "p_fill_ratio")]
    [TestCase("rate", "By/s", "p_rate_bytes_per_second")]
    [TestCase("rate", "{call}/s", "p_rate_per_second")]
    [TestCase("rate", "{call}/{exchange}", "p_rate")]
    [TestCase("age", "parsec", "p_age_parsec")]
    [TestCase("load", "%", "p_load_percent")]
    public void Metric_Gauge_EndsInItsUnit(string instrument, string unit, string expected) =>
        Assert.That(PrometheusNames.Metric("p", instrument, unit, MetricKind.Gauge), Is.EqualTo(expected));

    [TestCase("agent", "agent")]
    [TestCase("http.route", "http_route")]
    [TestCase("é", "_")]
    [TestCase("1st", "tag_1st")]
    [TestCase("__name__", "tag___name__")]
    [TestCase("le", "tag_le")]
    [TestCase("quantile", "tag_quantile")]
    [TestCase("overflow", "tag_overflow")]
    [TestCase("", "tag_")]
    public void Label_AnyTag_IsAllowedAndNotReserved(string tag, string expected) =>
        Assert.That(PrometheusNames.Label(tag), Is.EqualTo(expected));
}
