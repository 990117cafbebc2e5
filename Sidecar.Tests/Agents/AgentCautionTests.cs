using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Agents;

/// <summary>What an operator is told of agents that work, but not as they might be meant to.</summary>
internal sealed class AgentCautionTests
{
    private static readonly BodyPolicy Streamed = new() { Mode = BodyMode.Stream };

    private readonly SessionRig _rig = new();

    [TestCase(EventSet.All)]
    [TestCase(EventSet.RequestHeaders | EventSet.RequestBodyChunk)]
    public void AnAgentThatStatesMore_IsTakenAtItsWord(EventSet stated) =>
        Assert.That(StatedEvents.Cautions("waf", Policy() with { RequestBody = Streamed }, stated), Is.Empty);

    [Test]
    public void AnAgentThatIsOff_ConcernsNobody() =>
        Assert.That(StatedEvents.Cautions("waf", Policy() with { Mode = AgentMode.Off }, EventSet.RequestHeaders), Is.Empty);

    [Test]
    public void NamedEvents_WithoutTheEndOfExchanges_LetSuchAnAgentGrow()
    {
        Assert.That(AboutHeadersOnly(EventSet.RequestHeaders), Is.EqualTo(new[] { "no-end" }));
        Assert.That(AboutHeadersOnly(EventSet.RequestHeaders | EventSet.RequestComplete), Is.Empty);
    }

    // The Rust SDK hands each piece to its agent as if it were the whole body.
    [TestCase(EventSet.All, "pieces")]
    [TestCase(EventSet.RequestHeaders | EventSet.RequestBodyChunk | EventSet.RequestComplete, "pieces")]
    [TestCase(EventSet.RequestHeaders | EventSet.ResponseBodyChunk | EventSet.RequestComplete, "")]
    [TestCase(EventSet.RequestHeaders | EventSet.RequestComplete, "")]
    public void BodiesInPieces_ToAnAgentThatStatesHeadersOnly(EventSet named, string expected)
    {
        Assert.That(string.Join('|', AboutHeadersOnly(named, Policy() with { RequestBody = Streamed })), Is.EqualTo(expected));
        Assert.That(string.Join('|', AboutHeadersOnly(named, Policy() with { RequestBody = new BodyPolicy { Mode = BodyMode.Hybrid } })), Is.EqualTo(expected));
        Assert.That(AboutHeadersOnly(named), Is.Empty, "whole bodies");
    }

    [Test]
    public void BodiesInPieces_OfTheResponse_OrBecauseOneEventIsTooSmall()
    {
        Assert.That(AboutHeadersOnly(EventSet.All, Policy() with { ResponseBody = Streamed }), Is.EqualTo(new[] { "pieces" }));
        Assert.That(AboutHeadersOnly(EventSet.All, Policy() with { MaxEventBytes = 1000 }), Is.EqualTo(new[] { "pieces" }));
    }

    // Agents written for a proxy that waits a second work for weeks behind ceilings of 120 ms, until a busy day.
    [TestCase(90, 0)]
    [TestCase(110, 1)]
    public async Task AnAgentWhoseP99NearsItsCeiling_IsWarnedOf_BeforeItTimesOut(int milliseconds, int warnings)
    {
        await using var connection = new FakeConnection("a");
        connection.AnswerLater = (_, _) =>
        {
            _rig.Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
            return Task.FromResult(CallResult.Answered(AgentResponse.Allow));
        };
        await using var pool = await _rig.PoolAsync(connection);
        var agent = _rig.Session(pool).Agent;
        var cautions = new AgentCautions(_rig.Clock, _rig.Log);
        for (var call = 1; call <= 100; call++)
        {
            Assert.That(AgentCautions.Of(agent), Is.Empty, "so few say nothing");
            await _rig.AskAsync(_rig.Session(pool, exchange: call), TestEvents.Headers(call));
        }

        cautions.OnLook(agent);
        cautions.OnLook(agent);
        Assert.That(AgentCautions.Of(agent), Has.Count.EqualTo(warnings));
        Assert.That(
            _rig.Log.Collector.GetSnapshot().Where(static entry => entry.Message.StartsWith("agent waf nears its ceilings: of its 100 calls of the last minutes", StringComparison.Ordinal)).Count(), Is.EqualTo(warnings), "once a minute");
    }

    [Test]
    public async Task CallsAboutBodies_AreMeasuredByTheirOwnCeiling()
    {
        await using var connection = new FakeConnection("a");
        connection.AnswerLater = (message, _) =>
        {
            _rig.Clock.Advance(TimeSpan.FromMilliseconds(message is RequestBodyChunkEvent ? 250 : 1));
            return Task.FromResult(CallResult.Answered(AgentResponse.Allow));
        };
        await using var pool = await _rig.PoolAsync(connection);
        for (var call = 1; call <= 60; call++)
        {
            var session = _rig.Session(pool, exchange: call);
            await _rig.AskAsync(session, TestEvents.Headers(call));
            await _rig.AskAsync(session, TestEvents.Chunk(call));
        }

        Assert.That(AgentCautions.Of(_rig.Session(pool).Agent), Is.Empty);
    }

    private static AgentPolicy Policy() => new() { HeaderTimeout = TimeSpan.FromMilliseconds(120), BodyTimeout = TimeSpan.FromMilliseconds(400) };

    private static IEnumerable<string> AboutHeadersOnly(EventSet named, AgentPolicy? policy = null) =>
        StatedEvents.Cautions("waf", (policy ?? Policy()) with { Events = named }, EventSet.RequestHeaders).Select(static caution => caution.About);
}
