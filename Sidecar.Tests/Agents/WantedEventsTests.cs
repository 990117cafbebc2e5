using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Agents;

/// <summary>Which events a session asks its agent about (spec §5.2).</summary>
public sealed class WantedEventsTests
{
    private readonly SessionRig _rig = new();

    [TestCase(EventSet.RequestHeaders, EventSet.All, EventSet.RequestHeaders)]
    [TestCase(EventSet.RequestBodyChunk, EventSet.All, EventSet.RequestHeaders | EventSet.RequestBodyChunk)]
    [TestCase(EventSet.ResponseBodyChunk, EventSet.All, EventSet.RequestHeaders | EventSet.ResponseHeaders | EventSet.ResponseBodyChunk)]
    [TestCase(EventSet.RequestComplete, EventSet.All, EventSet.RequestHeaders | EventSet.RequestComplete)]
    [TestCase(EventSet.GuardrailInspect, EventSet.All, EventSet.GuardrailInspect)]
    [TestCase(null, EventSet.ResponseHeaders, EventSet.RequestHeaders | EventSet.ResponseHeaders)]
    [TestCase(null, EventSet.RequestHeaders, EventSet.RequestHeaders)]
    [TestCase(null, EventSet.All, EventSet.All)]
    public async Task Defect31_Wants_WhatIsNamedOrElseStated_AndWhatThatNeeds(EventSet? named, EventSet stated, EventSet expected) =>
        Assert.That(await WantedOfAsync(named, stated), Is.EqualTo(expected));

    // Agents on published SDKs state request headers alone and handle all eight.
    [TestCase(EventSet.All)]
    [TestCase(EventSet.RequestHeaders | EventSet.RequestBodyChunk | EventSet.ResponseHeaders | EventSet.ResponseBodyChunk)]
    public async Task NamedEvents_AreNeverHeldBackByWhatTheAgentStates(EventSet named)
    {
        foreach (var stated in new[] { EventSet.RequestHeaders, EventSet.None })
        {
            Assert.That(await WantedOfAsync(named, stated), Is.EqualTo(named), $"{stated}");
        }
    }

    [Test]
    public async Task Wants_Off_Nothing()
    {
        await using var agent = new FakeConnection("a");
        await using var pool = await _rig.PoolAsync(agent);
        Assert.That(Wanted(_rig.Session(pool, EventSet.All, AgentMode.Off)), Is.EqualTo(EventSet.None));
    }

    [Test]
    public async Task Wants_AgentNeverSeen_WhatIsConfigured_SoThatItsAbsenceCounts()
    {
        await using var pool = await _rig.PoolAsync();
        var session = _rig.Session(pool);
        Assert.That(session.Wants(EventKind.RequestHeaders), Is.True);
        Assert.That((await _rig.AskAsync(session, TestEvents.Headers(1))).Outcome, Is.EqualTo(CallOutcome.NoConnection));
    }

    private async Task<EventSet> WantedOfAsync(EventSet? named, EventSet stated)
    {
        await using var agent = new FakeConnection("a");
        agent.Traits = agent.Traits with { Events = stated };
        await using var pool = await _rig.PoolAsync(agent);
        return Wanted(_rig.Session(pool, named));
    }

    private static EventSet Wanted(AgentSession session) =>
        Enum.GetValues<EventKind>().Where(session.Wants).Aggregate(EventSet.None, (set, kind) => set | kind.AsSet());
}
