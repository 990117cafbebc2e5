using NUnit.Framework;
using Sidecar.Daemon.Cli;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Files;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Cli;

/// <summary>The settings of the whole daemon as flags.</summary>
internal sealed class SettingFlagsTests
{
    [Test]
    public void EverySettingOfTheDaemon_IsAFlagOfRun()
    {
        var flags = RunCommand.Create(TextWriter.Null).Options.Select(static option => option.Name).ToHashSet();
        Assert.That(SettingsTable.Of(SettingScopes.Run).Select(static setting => setting.Flag), Is.SubsetOf(flags));
        Assert.That(flags, Has.Member("--connections-per-agent").And.Member("--breaker-rate").And.Member("--takeover").And.Member("--agent"));
    }

    [Test]
    public void Flags_AreRead()
    {
        var values = Read(
            "--strategy round-robin --queue 7 --flow-mode wait --flow-wait 50ms --event-timeout request-body:1s+guardrail:2s --event-timeout response-body:3s "
            + "--breaker-rate 20 --body-memory 1MiB --takeover --sticky-timeout none --failure-mode open", out var problems);
        Assert.That(problems, Is.Empty);
        Assert.That(values.Written.Select(static setting => setting.Flag), Is.EquivalentTo(new[]
        {
            "--strategy", "--queue", "--flow-mode", "--flow-wait", "--event-timeout", "--breaker-rate", "--body-memory", "--takeover", "--sticky-timeout",
            "--failure-mode",
        }));
        Assert.That(
            (values.Get(CallSettings.Strategy), values.Get(CallSettings.Queue), values.Get(CallSettings.FlowWait), values.Get(CallSettings.StickyTimeout)),
            Is.EqualTo((SelectionStrategy.RoundRobin, 7, TimeSpan.FromMilliseconds(50), TimeSpan.MaxValue)));
        Assert.That(
            values.Get(CallSettings.EventTimeouts).Keys,
            Is.EquivalentTo(new[] { EventKind.RequestBodyChunk, EventKind.GuardrailInspect, EventKind.ResponseBodyChunk }));
        Assert.That(
            (values.Get(DaemonSettings.Takeover), values.Get(DaemonSettings.Verbose), values.Get(DaemonSettings.FailureMode)),
            Is.EqualTo((true, false, FailureMode.Open)));
    }

    [TestCase("--strategy best", "--strategy: best is none of fill-then-spread, round-robin,")]
    [TestCase("--flow-mode ajar", "--flow-mode: ajar is none of as-failure-mode, closed, open, wait")]
    [TestCase("--failure-mode ajar", "--failure-mode: ajar is none of closed, open")]
    [TestCase("--queue many", "--queue: many is not a whole number; give 0 to 65536 calls")]
    [TestCase("--queue 65537", "--queue: 65537 is above 65536 calls; give 0 to 65536")]
    [TestCase("--connections-per-agent 0", "--connections-per-agent: 0 is below 1 connections; give 1 to 64")]
    [TestCase("--connections-per-agent 65", "--connections-per-agent: 65 is above 64 connections; give 1 to 64")]
    [TestCase("--calls-per-connection 65537", "--calls-per-connection: 65537 is above 65536 calls; give 1 to 65536")]
    [TestCase("--max-in-flight 0", "--max-in-flight: 0 is below 1 calls; give 1 to 1000000")]
    [TestCase("--unhealthy-after 0", "--unhealthy-after: 0 is below 1 attempts; give 1 to 1000")]
    [TestCase("--breaker-rate 101", "--breaker-rate: 101 is above 100 percent; give 0 to 100")]
    [TestCase("--breaker-calls 0", "--breaker-calls: 0 is below 1 calls; give 1 to 1000000")]
    [TestCase("--breaker-failures 1000001", "--breaker-failures: 1000001 is above 1000000 failures; give 0 to 1000000")]
    [TestCase("--sticky-sessions 0", "--sticky-sessions: 0 is below 1 sessions; give 1 to 1000000")]
    [TestCase("--max-exchanges 10000001", "--max-exchanges: 10000001 is above 10000000 exchanges; give 1 to 10000000")]
    [TestCase("--reply-key ''", "--reply-key: has no value; write --reply-key FILE")]
    [TestCase("--queue ''", "--queue: has no value; write --queue N")]
    [TestCase("--timeout 25h", "--timeout: 25h is not a duration above zero and up to 24h; write 120ms, 2s or 5m")]
    [TestCase("--body-memory 0", "--body-memory: 0 is not a size above zero; write 4096, 64KiB or 1MiB")]
    [TestCase("--metrics-prefix 7up-", "--metrics-prefix: 7up- may have 1 to 64 letters, digits and '_' and does not begin with a digit")]
    [TestCase("--event-timeout guardrail:1s --event-timeout guardrail:2s", "--event-timeout: the timeout of guardrail is given twice")]
    public void Mistake_IsNamedOnceWithItsFlag(string arguments, string expected)
    {
        var values = Read(arguments, out var problems);
        Assert.That(problems, Has.Count.EqualTo(1));
        Assert.That(problems[0], Does.StartWith(expected));
        Assert.That(values, Is.EqualTo(SettingValues.Empty));
    }

    [TestCase("--queue")]
    [TestCase("--queue 1 --queue 2")]
    [TestCase("--event-timeout")]
    public void FlagWithoutItsOneValue_IsAnError(string arguments) =>
        Assert.That(RunCommand.Create(TextWriter.Null).Parse(arguments).Errors, Has.Count.EqualTo(1));

    [Test]
    public void NothingWritten_IsTheDefaults()
    {
        var settings = AgentFactory.SettingsOf("waf", new PoolOptions(), 256, endpoints: 1, TimeSpan.FromSeconds(30));
        Assert.That((settings.Connections, settings.MaxCalls, settings.Queue, settings.UnhealthyAfter), Is.EqualTo((4, 0, 256, 3)));
        Assert.That((settings.QueueWait, settings.FlowWait), Is.EqualTo((TimeSpan.MaxValue, TimeSpan.Zero)), "only flow-mode wait waits");
        Assert.That((settings.Breaker.FailurePercent, settings.Breaker.MinCalls, settings.Breaker.IsOff), Is.EqualTo((50, 100, false)));
    }

    [Test]
    public void WhatIsWritten_Counts()
    {
        var written = new PoolOptions { Connections = 2, DrainTimeout = TimeSpan.FromSeconds(1) }
            .With(CallSettings.FlowMode, FlowMode.Wait).With(CallSettings.BreakerRate, 0);
        var settings = AgentFactory.SettingsOf("waf", written, 10, endpoints: 5, TimeSpan.FromSeconds(30));
        Assert.That((settings.Connections, settings.MaxCalls), Is.EqualTo((5, 0)), "at least one per endpoint");
        Assert.That(
            (settings.FlowWait, settings.DrainTimeout, settings.Breaker.IsOff), Is.EqualTo((TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1), true)));
    }

    private static SettingValues Read(string arguments, out List<string> problems)
    {
        var result = RunCommand.Create(TextWriter.Null).Parse([.. arguments.Split(' ').Select(static word => word == "''" ? "" : word)]);
        var findings = new Findings();
        var values = new WrittenFlags { Settings = SettingFlags.Written(result) }.Read(findings, new Origins()).Values;
        problems = [.. findings.Errors];
        return values;
    }
}
