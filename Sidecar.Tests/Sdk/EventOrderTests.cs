using System.Collections.Concurrent;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

public sealed class EventOrderTests
{
    [Test]
    public async Task OneExchange_IsHandledOneAfterTheOtherInOrder()
    {
        const int Count = 200;
        var running = 0;
        var seen = new ConcurrentQueue<uint>();
        var handler = new ScriptedHandler(async (message, _) =>
        {
            var index = ((RequestBodyChunkEvent)message).ChunkIndex;
            seen.Enqueue(Interlocked.Increment(ref running) == 1 ? index : uint.MaxValue);
            await Task.Yield();
            Interlocked.Decrement(ref running);
            return Answer.Allow.WithTag($"{index}");
        });
        await using var agent = await AgentHarness.IntroducedAsync(handler);
        for (uint i = 0; i < Count; i++)
        {
            await agent.Peer.SendAsync(SampleEvents.Body(SampleEvents.A, [1], i));
        }

        for (var i = 0; i < Count; i++)
        {
            Assert.That((await agent.Peer.ReadAnswerAsync()).Response.Audit.Tags.Single(), Is.EqualTo($"{i}"));
        }

        Assert.That(seen, Is.EqualTo(Enumerable.Range(0, Count)));
    }

    [Test]
    public async Task OtherExchanges_AreAnsweredWhileOneWaits()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new ScriptedHandler(async (message, _) =>
        {
            if (message.CorrelationId == SampleEvents.A)
            {
                await release.Task;
            }

            return AgentResponse.Allow;
        });
        await using var agent = await AgentHarness.IntroducedAsync(handler);
        await agent.Peer.SendAsync(SampleEvents.Request(SampleEvents.A));
        await agent.Peer.SendAsync(SampleEvents.Body(SampleEvents.A, [1]));
        await CancelTests.StartedAsync(handler, 1);
        for (var i = 1; i <= 50; i++)
        {
            var id = new CorrelationId((UInt128)(1000 + i));
            Assert.That((await agent.Peer.AskAsync(SampleEvents.Request(id))).CorrelationId, Is.EqualTo(id));
        }

        // An answer leaves before its event stops counting.
        await Eventually.TrueAsync(() => agent.Connection.Outstanding == 2, TimeSpan.FromSeconds(30), "only the two events of A are outstanding");
        Assert.That(handler.Calls.Count(call => call.Event.CorrelationId == SampleEvents.A), Is.EqualTo(1), "the second waits for the first");
        release.SetResult();
        Assert.That((await agent.Peer.ReadAnswerAsync()).CorrelationId, Is.EqualTo(SampleEvents.A));
        Assert.That((await agent.Peer.ReadAnswerAsync()).CorrelationId, Is.EqualTo(SampleEvents.A));
    }

    [Test]
    public async Task ExchangesRunTogether_EachWaitingForAllOthers()
    {
        const int Count = 32;
        var arrived = 0;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new ScriptedHandler(async (_, _) =>
        {
            if (Interlocked.Increment(ref arrived) == Count)
            {
                all.SetResult();
            }

            await all.Task.WaitAsync(Wire.Limit, CancellationToken.None);
            return AgentResponse.Allow;
        });
        await using var agent = await AgentHarness.IntroducedAsync(handler);
        var ids = Enumerable.Range(1, Count).Select(i => new CorrelationId((UInt128)i)).ToList();
        foreach (var id in ids)
        {
            await agent.Peer.SendAsync(SampleEvents.Request(id));
        }

        var answered = new List<CorrelationId>();
        for (var i = 0; i < Count; i++)
        {
            answered.Add((await agent.Peer.ReadAnswerAsync()).CorrelationId);
        }

        Assert.That(answered, Is.EquivalentTo(ids));
    }

    [Test]
    public async Task BodyBytes_StayWhileTheirHandlerRuns()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new ScriptedHandler(async (message, _) =>
        {
            var chunk = (RequestBodyChunkEvent)message;
            if (chunk.CorrelationId == SampleEvents.A)
            {
                await release.Task;
            }

            return Answer.Allow.WithRequestBody(chunk.Data, chunk.ChunkIndex);
        });
        await using var agent = await AgentHarness.IntroducedAsync(handler);
        byte[] kept = [.. Enumerable.Range(0, 3000).Select(i => (byte)(i * 7))];
        await agent.Peer.SendAsync(MessageType.RequestBodyChunk, Binary(SampleEvents.A, kept));
        await CancelTests.StartedAsync(handler, 1);
        await agent.Peer.CancelAsync(SampleEvents.A);
        for (var i = 0; i < 50; i++)
        {
            byte[] other = [.. Enumerable.Repeat((byte)i, 3000)];
            await agent.Peer.SendAsync(MessageType.RequestBodyChunk, Binary(SampleEvents.B, other));
            Assert.That((await agent.Peer.ReadAnswerAsync()).Response.RequestBodyMutation!.Data!.Value.ToArray(), Is.EqualTo(other));
        }

        release.SetResult();
        Assert.That((await agent.Peer.ReadAnswerAsync()).Response.RequestBodyMutation!.Data!.Value.ToArray(), Is.EqualTo(kept));
    }

    // Raw bytes share the memory of the frame; base64 text would not.
    private static byte[] Binary(CorrelationId id, byte[] data) =>
        Encodings.AnyMessage.Write(Protocol.Encodings.MessageEncodings.MessagePackBinaryBody, SampleEvents.Body(id, data));
}
