using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

/// <summary>A handler that never blocks, and says so, is called on the loop that reads the connection.</summary>
public sealed class InlineHandlerTests
{
    [Test]
    public async Task EventsOfOneExchange_KeepTheirOrder_ThoughTheFirstWaits()
    {
        const int Count = 200;
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new ScriptedHandler(async (message, _) =>
        {
            var index = ((RequestBodyChunkEvent)message).ChunkIndex;
            if (index == 0)
            {
                await first.Task;
            }

            return Answer.Allow.WithTag($"{index}");
        });
        await using var agent = await IntroducedAsync(handler);
        for (uint i = 0; i < Count; i++)
        {
            await agent.Peer.SendAsync(SampleEvents.Body(SampleEvents.A, [1], i));
        }

        await Eventually.TrueAsync(() => agent.Connection.Outstanding == Count, Wire.Limit, "the events");
        Assert.That(handler.Calls, Has.Count.EqualTo(1));
        first.SetResult();
        for (var i = 0; i < Count; i++)
        {
            Assert.That((await agent.Peer.ReadAnswerAsync()).Response.Audit.Tags.Single(), Is.EqualTo($"{i}"));
        }
    }

    [Test]
    public async Task HandlerThatThrowsAtOnce_IsAnsweredFor_AndTheConnectionGoesOn()
    {
        var handler = new ScriptedHandler(static (message, _) => message.CorrelationId == SampleEvents.A
            ? throw new InvalidOperationException("a defect")
            : new ValueTask<AgentResponse>(AgentResponse.Allow));
        await using var agent = await IntroducedAsync(handler);
        Assert.That((await agent.Peer.AskAsync(SampleEvents.Request(SampleEvents.A))).Response.Decision, Is.InstanceOf<BlockDecision>());
        Assert.That((await agent.Peer.AskAsync(SampleEvents.Request(new CorrelationId(7)))).Response.Decision, Is.InstanceOf<AllowDecision>());
    }

    [Test]
    public async Task ManyEventsOfOneReceive_AreEachAnswered_OnTheThreadThatReads()
    {
        const int Count = 300;
        var threads = new HashSet<int>();
        var handler = new ScriptedHandler((_, _) =>
        {
            threads.Add(Environment.CurrentManagedThreadId);
            return new ValueTask<AgentResponse>(AgentResponse.Allow);
        });
        await using var agent = await IntroducedAsync(handler);
        var batch = Enumerable.Range(1, Count).Select(i => SampleEvents.Request(new CorrelationId((UInt128)i)))
            .SelectMany(message => Wire.Frame(message.Type, Encodings.AnyMessage.Write(agent.Peer.Encoding, message))).ToArray();
        await agent.Peer.Output.WriteAsync(batch);
        for (var i = 0; i < Count; i++)
        {
            await agent.Peer.ReadAnswerAsync();
        }

        Assert.That((handler.Calls.Count, threads.Count), Is.EqualTo((Count, 1)));
    }

    private static Task<AgentHarness> IntroducedAsync(ScriptedHandler handler) =>
        AgentHarness.IntroducedAsync(handler, static options => options with { HandlerNeverBlocks = true });
}
