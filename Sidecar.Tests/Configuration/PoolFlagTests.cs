using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Configuration;

public sealed class PoolFlagTests
{
    [Test]
    public void EveryKey_IsRead()
    {
        var pool = Parse("connections=3,strategy=power-of-two,connect-timeout=1s,timeout=2s,body-timeout=3s,event-timeout=request-body:4s+guardrail:5s,"
            + "reconnect-min=6ms,reconnect-max=7s,unhealthy-after=8,drain-timeout=9s,calls-per-connection=10,calls-per-agent=11,queue=0,queue-wait=13ms,"
            + "health-interval=14s,flow-mode=wait,flow-wait=15ms,sticky-timeout=none,sticky-sessions=21,"
            + "breaker-rate=16,breaker-calls=17,breaker-window=18s,breaker-failures=19,breaker-open=20s");
        Assert.That(pool with { EventTimeouts = null }, Is.EqualTo(new PoolOptions
        {
            Connections = 3,
            Strategy = SelectionStrategy.PowerOfTwo,
            ConnectTimeout = TimeSpan.FromSeconds(1),
            HeaderTimeout = TimeSpan.FromSeconds(2),
            BodyTimeout = TimeSpan.FromSeconds(3),
            ReconnectMin = TimeSpan.FromMilliseconds(6),
            ReconnectMax = TimeSpan.FromSeconds(7),
            UnhealthyAfter = 8,
            DrainTimeout = TimeSpan.FromSeconds(9),
            CallsPerConnection = 10,
            CallsPerAgent = 11,
            Queue = 0,
            QueueWait = TimeSpan.FromMilliseconds(13),
            HealthInterval = TimeSpan.FromSeconds(14),
            FlowMode = FlowMode.Wait,
            FlowWait = TimeSpan.FromMilliseconds(15),
            StickyTimeout = TimeSpan.MaxValue,
            StickySessions = 21,
            BreakerRate = 16,
            BreakerCalls = 17,
            BreakerWindow = TimeSpan.FromSeconds(18),
            BreakerFailures = 19,
            BreakerOpen = TimeSpan.FromSeconds(20),
        }));
        Assert.That(pool.EventTimeouts, Is.EqualTo(new Dictionary<EventKind, TimeSpan>
        {
            [EventKind.RequestBodyChunk] = TimeSpan.FromSeconds(4),
            [EventKind.GuardrailInspect] = TimeSpan.FromSeconds(5),
        }));
    }

    // A property that Over forgets would never reach an agent.
    [Test]
    public void EverySetting_OfTheDaemonCountsWhereTheAgentSaysNothing()
    {
        var daemon = Parse("connections=3,strategy=random,connect-timeout=1s,timeout=2s,event-timeout=request-body:4s,reconnect-min=6ms,reconnect-max=7s,"
            + "unhealthy-after=8,drain-timeout=9s,calls-per-connection=10,calls-per-agent=11,queue=12,queue-wait=13ms,health-interval=14s,flow-mode=open,"
            + "flow-wait=15ms,sticky-timeout=1m,sticky-sessions=21,breaker-rate=16,breaker-calls=17,breaker-window=18s,breaker-failures=19,breaker-open=20s");
        Assert.That(typeof(PoolOptions).GetProperties().Where(property => property.GetValue(daemon) is null), Is.Empty, "all are set here");
        Assert.That(new PoolOptions().Over(daemon), Is.EqualTo(daemon));
        var other = Parse("connections=4,event-timeout=guardrail:1s");
        var merged = other.Over(daemon);
        Assert.That((merged.Connections, merged.Queue), Is.EqualTo(((int?)4, (int?)12)));
        Assert.That(merged.EventTimeouts!.Keys, Is.EquivalentTo(new[] { EventKind.RequestBodyChunk, EventKind.GuardrailInspect }));
        Assert.That(daemon.Over(new PoolOptions()), Is.EqualTo(daemon));
    }

    [TestCase("strategy=best", "strategy=best is none of fill-then-spread, round-robin, least-connections, health-based, random, power-of-two")]
    [TestCase("flow-mode=half", "flow-mode=half is none of as-failure-mode, closed, open, wait")]
    [TestCase("queue=-1", "queue=-1 is not a whole number from 0 to 65536")]
    [TestCase("unhealthy-after=0", "unhealthy-after=0 is not a whole number from 1 to 1000")]
    [TestCase("breaker-rate=101", "breaker-rate=101 is not a whole number from 0 to 100")]
    [TestCase("calls-per-agent=0", "calls-per-agent=0 is not a whole number from 1 to 1000000")]
    [TestCase("event-timeout=request-body", "event timeout 'request-body' is not an event and a duration")]
    [TestCase("event-timeout=lunch:1s", "event timeout 'lunch:1s' is not an event and a duration")]
    [TestCase("event-timeout=all:1s", "event timeout 'all:1s' is not an event and a duration")]
    [TestCase("event-timeout=guardrail:0s", "event timeout 'guardrail:0s' is not an event and a duration")]
    [TestCase("event-timeout=guardrail:1s+guardrail:2s", "the timeout of GuardrailInspect is given twice")]
    public void Mistake_IsNamedOnce(string keys, string expected)
    {
        var errors = new List<string>();
        Assert.That(AgentFlag.Parse($"waf=/w,{keys}", errors), Is.Null);
        Assert.That(errors, Has.Count.EqualTo(1));
        Assert.That(errors[0], Does.Contain(expected));
    }

    private static PoolOptions Parse(string keys)
    {
        var errors = new List<string>();
        var agent = AgentFlag.Parse($"waf=/w,{keys}", errors);
        Assert.That(errors, Is.Empty);
        return agent!.Pool;
    }
}
