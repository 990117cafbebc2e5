using System.CommandLine;
using NUnit.Framework;
using Sidecar.Daemon.Cli;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Configuration;

public sealed class PoolFlagsTests
{
    [Test]
    public void EveryKeyOfAnAgent_IsAFlagForAll()
    {
        var flags = RunCommand.Create(TextWriter.Null).Options.Select(static option => option.Name).ToHashSet();
        Assert.That(PoolFlag.Keys.Select(static key => key == "connections" ? "--connections-per-agent" : "--" + key), Is.SubsetOf(flags));
    }

    [Test]
    public void Flags_AreBound()
    {
        var problems = new List<string>();
        var command = new Command("run");
        PoolFlags.AddTo(command);
        var pool = PoolFlags.Bind(
            command.Parse("--strategy round-robin --queue 7 --flow-mode wait --flow-wait 50ms --event-timeout request-body:1s+guardrail:2s --event-timeout response-body:3s --breaker-rate 20"),
            problems);
        Assert.That(problems, Is.Empty);
        Assert.That(
            (pool.Strategy, pool.Queue, pool.FlowMode, pool.BreakerRate),
            Is.EqualTo(((SelectionStrategy?)SelectionStrategy.RoundRobin, (int?)7, (FlowMode?)FlowMode.Wait, (int?)20)));
        Assert.That(pool.EventTimeouts!.Keys, Is.EquivalentTo(new[] { EventKind.RequestBodyChunk, EventKind.GuardrailInspect, EventKind.ResponseBodyChunk }));
        Assert.That(pool.FlowWait, Is.EqualTo(TimeSpan.FromMilliseconds(50)));
        Assert.That(pool.QueueWait, Is.Null);
    }

    [TestCase("--strategy best", "--strategy best is none of fill-then-spread,")]
    [TestCase("--flow-mode ajar", "--flow-mode ajar is none of as-failure-mode, closed, open, wait")]
    [TestCase("--queue many", "--queue many is not a whole number")]
    public void Mistake_IsNamed(string arguments, string expected)
    {
        var command = new Command("run");
        PoolFlags.AddTo(command);
        Assert.That(command.Parse(arguments).Errors.Select(static error => error.Message), Has.One.StartsWith(expected));
    }

    [Test]
    public void NothingWritten_IsTheDefaults()
    {
        var settings = AgentFactory.SettingsOf("waf", new PoolOptions(), 256, endpoints: 1, TimeSpan.FromSeconds(30));
        Assert.That((settings.Connections, settings.MaxCalls, settings.Queue, settings.UnhealthyAfter), Is.EqualTo((4, 1024, 256, 3)));
        Assert.That((settings.QueueWait, settings.FlowWait), Is.EqualTo((TimeSpan.FromMilliseconds(10), TimeSpan.Zero)), "only flow-mode wait waits");
        Assert.That((settings.Breaker.FailurePercent, settings.Breaker.MinCalls, settings.Breaker.IsOff), Is.EqualTo((50, 100, false)));
    }

    [Test]
    public void WhatIsWritten_Counts()
    {
        var written = new PoolOptions { Connections = 2, FlowMode = FlowMode.Wait, BreakerRate = 0, DrainTimeout = TimeSpan.FromSeconds(1) };
        var settings = AgentFactory.SettingsOf("waf", written, 10, endpoints: 5, TimeSpan.FromSeconds(30));
        Assert.That((settings.Connections, settings.MaxCalls), Is.EqualTo((5, 50)), "at least one per endpoint");
        Assert.That(
            (settings.FlowWait, settings.DrainTimeout, settings.Breaker.IsOff), Is.EqualTo((TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1), true)));
    }
}
