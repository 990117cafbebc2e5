using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Configuration;

public sealed class PoolFlagTests
{
    [Test]
    public void EveryKey_IsRead()
    {
        var pool = Parse("connections=3,strategy=power-of-two,connect-timeout=1s,timeout=2s,body-timeout=3s,event-timeout=request-body:4s+guardrail:5s,"
            + "reconnect-min=6ms,reconnect-max=7s,unhealthy-after=8,drain-timeout=9s,calls-per-connection=10,max-in-flight=11,queue=0,queue-wait=13ms,"
            + "health-interval=14s,flow-mode=wait,flow-wait=15ms,sticky-timeout=none,sticky-sessions=21,"
            + "breaker-rate=16,breaker-calls=17,breaker-window=18s,breaker-failures=19,breaker-open=20s");
        Assert.That(pool.Values.ToString(), Is.EqualTo(
            "connections=3,strategy=power-of-two,connect-timeout=1s,timeout=2s,body-timeout=3s,event-timeout=request-body:4s+guardrail:5s,"
            + "reconnect-min=6ms,reconnect-max=7s,unhealthy-after=8,drain-timeout=9s,calls-per-connection=10,max-in-flight=11,queue=0,queue-wait=13ms,"
            + "health-interval=14s,flow-mode=wait,flow-wait=15ms,sticky-timeout=none,sticky-sessions=21,"
            + "breaker-rate=16,breaker-calls=17,breaker-window=18s,breaker-failures=19,breaker-open=20s"));
        Assert.That(
            (pool.Connections, pool.Get(CallSettings.Strategy), pool.Get(CallSettings.HeaderTimeout), pool.Get(CallSettings.StickyTimeout)),
            Is.EqualTo(((int?)3, SelectionStrategy.PowerOfTwo, TimeSpan.FromSeconds(2), TimeSpan.MaxValue)));
        Assert.That(pool.Get(CallSettings.EventTimeouts), Is.EqualTo(new Dictionary<EventKind, TimeSpan>
        {
            [EventKind.RequestBodyChunk] = TimeSpan.FromSeconds(4),
            [EventKind.GuardrailInspect] = TimeSpan.FromSeconds(5),
        }));
    }

    [Test]
    public void Daemons_CountsWhereTheAgentSaysNothing()
    {
        var daemon = Parse("connections=3,queue=12,event-timeout=request-body:4s+guardrail:5s");
        Assert.That(new PoolOptions().Over(daemon), Is.EqualTo(daemon));
        Assert.That(daemon.Over(new PoolOptions()), Is.EqualTo(daemon));
        var merged = Parse("connections=4,event-timeout=guardrail:1s").Over(daemon);
        Assert.That((merged.Connections, merged.Get(CallSettings.Queue)), Is.EqualTo(((int?)4, 12)));
        Assert.That(merged.Get(CallSettings.EventTimeouts), Is.EquivalentTo(new Dictionary<EventKind, TimeSpan>
        {
            [EventKind.RequestBodyChunk] = TimeSpan.FromSeconds(4),
            [EventKind.GuardrailInspect] = TimeSpan.FromSeconds(1),
        }));
    }

    [TestCase("strategy=best", "key strategy: best is none of fill-then-spread, round-robin, least-connections, health-based, random, power-of-two")]
    [TestCase("flow-mode=half", "key flow-mode: half is none of as-failure-mode, closed, open, wait")]
    [TestCase("queue=-1", "key queue: -1 is below 0 ")]
    [TestCase("unhealthy-after=0", "key unhealthy-after: 0 is below 1 ")]
    [TestCase("breaker-rate=101", "key breaker-rate: 101 is above 100 ")]
    [TestCase("max-in-flight=0", "key max-in-flight: 0 is below 1 ")]
    [TestCase("event-timeout=request-body", "key event-timeout: 'request-body' is not an event and a duration")]
    [TestCase("event-timeout=lunch:1s", "key event-timeout: 'lunch:1s' is not an event and a duration")]
    [TestCase("event-timeout=all:1s", "key event-timeout: 'all:1s' is not an event and a duration")]
    [TestCase("event-timeout=guardrail:0s", "key event-timeout: 'guardrail:0s' is not an event and a duration")]
    [TestCase("event-timeout=guardrail:1s+guardrail:2s", "key event-timeout: the timeout of guardrail is given twice")]
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
