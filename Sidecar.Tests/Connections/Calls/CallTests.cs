using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections.Calls;

[TestFixture(ProtocolConstants.Json)]
[TestFixture(ConnectedAgent.Protobuf)]
public sealed class CallTests(string wire)
{
    [Test]
    public async Task ManyInFlight_AnsweredInReverse_EachGetsItsOwn()
    {
        const int Calls = 200;
        await using var both = await ConnectedAgent.OpenAsync(encoding: wire);
        var calls = Enumerable.Range(1, Calls).Select(i => both.Call(TestEvents.Headers(i))).ToArray();
        var seen = new List<AgentEvent>();
        while (seen.Count < Calls)
        {
            seen.Add(await both.Agent.ReceiveEventAsync());
        }

        Assert.That(both.Connection.Stats.InFlight, Is.EqualTo(Calls));
        await Eventually.TrueAsync(() => both.Clock.ActiveTimers == 1, ScriptedAgent.Limit, "one timer to serve them all");
        foreach (var message in Enumerable.Reverse(seen))
        {
            var number = seen.IndexOf(message) + 1;
            await both.Agent.AnswerAsync(message, new AgentResponse { Decision = new BlockDecision(Body: $"{number}") });
        }

        var results = await Task.WhenAll(calls);
        Assert.That(results.Select(result => ((BlockDecision)result.Response!.Decision).Body), Is.EqualTo(Enumerable.Range(1, Calls).Select(i => $"{i}")));
    }

    [Test]
    public async Task EarlierDeadlineAddedLater_IsKept()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: wire);
        var slow = both.Call(TestEvents.Headers(1), 1000);
        var fast = both.Call(TestEvents.Headers(2), 10);
        both.Clock.Advance(TimeSpan.FromMilliseconds(10));
        Assert.That((await fast).Outcome, Is.EqualTo(CallOutcome.TimedOut));
        Assert.That(slow.IsCompleted, Is.False);
    }

    [Test]
    public async Task DeadlineYearsAway_IsNoError()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: wire);
        var call = both.Connection.CallAsync(TestEvents.Headers(1), long.MaxValue).AsTask();
        await both.Agent.AnswerAsync(await both.Agent.ReceiveEventAsync());
        Assert.That((await call).IsAnswered, Is.True);
    }

    [Test]
    public async Task SecondCallOfAnExchange_WhileOneWaits_IsRefused()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: wire);
        var first = both.Call(TestEvents.Headers(1));
        Assert.That((await both.Call(TestEvents.Chunk(1))).Outcome, Is.EqualTo(CallOutcome.Owed));
        await both.Agent.AnswerAsync(TestEvents.Id(1));
        Assert.That((await first).IsAnswered, Is.True);
    }

    [Test]
    public async Task LargestChunk_FitsAFrame([Values(null, ProtocolConstants.MessagePack)] string? other)
    {
        var pipes = new DuplexPipePair(pauseThreshold: 0);
        await using var both = await ConnectedAgent.OpenAsync(
            encoding: other ?? wire, capabilities: ScriptedAgent.Capable() with { Limits = new AgentLimits { MaxBodySize = 0 } }, pipes: pipes);
        var size = (int)both.Connection.Traits.MaxEventBytes;
        var call = both.Call(TestEvents.Chunk(1, size: size));
        Assert.That((await both.Agent.ReceiveEventAsync<RequestBodyChunkEvent>()).Data.Length, Is.EqualTo(size));
        await both.Agent.AnswerAsync(TestEvents.Id(1));
        Assert.That((await call).IsAnswered, Is.True);
    }

    [Test]
    public async Task HeadersAboveAFrame_AreNotSent()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: wire);
        var result = await both.Call(TestEvents.Headers(1, new string('a', 17 * 1024 * 1024)));
        Assert.That(result.Outcome, Is.EqualTo(CallOutcome.NotSendable));
        Assert.That((both.Connection.Stats.InFlight, both.Connection.IsOpen), Is.EqualTo((0, true)));
    }
}
