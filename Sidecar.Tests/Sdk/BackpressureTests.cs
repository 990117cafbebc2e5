using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

public sealed class BackpressureTests
{
    private const int Limit = 20;

    [Test]
    public async Task PeerThatDoesNotRead_IsGivenUpAfterTheSendTimeout()
    {
        await using var agent = await SlowAsync();
        for (var i = 1; i <= Limit; i++)
        {
            await agent.Peer.SendAsync(SampleEvents.Request(new CorrelationId((UInt128)i)));
        }

        await WaitingAsync(agent, 18);
        agent.Time.Advance(TimeSpan.FromSeconds(30) - TimeSpan.FromTicks(1));
        Assert.That(agent.Connection.End, Is.EqualTo(FrameConnectionEnd.None));
        agent.Time.AdvanceTicks(1);
        await agent.Running.WaitAsync(Wire.Limit);
        Assert.That(agent.Connection.End, Is.EqualTo(FrameConnectionEnd.ProtocolViolation));
        var ended = await agent.Logger.Collector.WaitForAsync(entry => entry.Id.Id == 102, Wire.Limit);
        Assert.That(ended.Exception, Is.InstanceOf<TimeoutException>().With.Message.Contains("00:00:30"));
        await agent.Connection.WaitForHandlersAsync().WaitAsync(Wire.Limit);
        Assert.That(agent.Connection.Outstanding, Is.Zero);
    }

    [Test]
    public async Task PeerThatSendsOnWithoutReading_IsReadNoFurther_AndGivenUp()
    {
        await using var agent = await SlowAsync();

        // Refusals take room as well.
        byte[] frames = [.. Enumerable.Range(1, 1000).SelectMany(i => Wire.Frame(
            MessageType.RequestHeaders,
            i % 3 == 0 ? [0xC1] : AnyMessage.Write(agent.Peer.Encoding, SampleEvents.Request(new CorrelationId((UInt128)i)))))];
        _ = agent.Peer.Output.WriteAsync(frames).AsTask();
        await Eventually.TrueAsync(() => agent.Connection.Outstanding == Limit + 1, Wire.Limit, "the room to be used up");
        await agent.Logger.Collector.WaitForAsync(static line => line.Id.Id == 108, Wire.Limit);
        Assert.That(agent.Connection.Outstanding, Is.EqualTo(Limit + 1));
        await Eventually.TrueAsync(agent.Time, TimeSpan.FromSeconds(1), () => agent.Running.IsCompleted, "the end of the connection");
        await agent.Running.WaitAsync(Wire.Limit);
        Assert.That(agent.Connection.End, Is.EqualTo(FrameConnectionEnd.ProtocolViolation));
        Assert.That(agent.Logger.Collector.GetSnapshot().Count(entry => entry.Id.Id == 108), Is.EqualTo(1));
        await agent.IdleAsync();
    }

    [Test]
    public async Task PeerThatReadsAgain_GetsEveryAnswerOnceAndInOrderOfItsExchange()
    {
        await using var agent = await SlowAsync();
        for (uint i = 0; i < 15; i++)
        {
            await agent.Peer.SendAsync(SampleEvents.Body(SampleEvents.A, [1], i));
        }

        // Refused ones too, behind a full buffer.
        await WaitingAsync(agent, 1);
        for (var i = 0; i < 4; i++)
        {
            await agent.Peer.SendAsync(MessageType.RequestHeaders, [0xC1]);
        }

        var tags = new List<string>();
        for (var i = 0; i < 19; i++)
        {
            var answer = await agent.Peer.ReadAnswerAsync();
            tags.Add(answer.CorrelationId.IsEmpty ? answer.Response.Audit.ReasonCodes.Single() : answer.Response.Audit.Tags.Single());
        }

        Assert.That(tags.Where(tag => char.IsDigit(tag[0])), Is.EqualTo(Enumerable.Range(0, 15).Select(i => $"{i}")));
        Assert.That(tags.Count(tag => tag == ReasonCodes.UndecodableEvent), Is.EqualTo(4));
        await Eventually.TrueAsync(() => agent.Connection.Outstanding == 0 && agent.Time.ActiveTimers == 0, Wire.Limit, "all to be sent");
    }

    [Test]
    public async Task StopBeforeAPeerThatDoesNotRead_IsBounded()
    {
        await using var agent = await SlowAsync();
        await agent.Peer.SendAsync(SampleEvents.Request(SampleEvents.A));
        await agent.Peer.SendAsync(SampleEvents.Request(SampleEvents.B));
        var stopping = agent.Connection.StopAsync();
        while (!(stopping.IsCompleted && agent.Running.IsCompleted))
        {
            await Eventually.TrueAsync(
                () => agent.Time.ArmedTimers > 0 || (stopping.IsCompleted && agent.Running.IsCompleted), Wire.Limit, "a deadline or the end");
            agent.Time.Advance(TimeSpan.FromSeconds(1));
        }

        await stopping;
        Assert.That(agent.Connection.End, Is.EqualTo(FrameConnectionEnd.ClosedLocally).Or.EqualTo(FrameConnectionEnd.ProtocolViolation));
    }

    // Each answer of about 1 KiB fills the buffer, and one of them holds the flush.
    private static Task<AgentHarness> SlowAsync() => AgentHarness.IntroducedAsync(
        new ScriptedHandler((message, _) => new ValueTask<AgentResponse>(
            Answer.Block().WithBody(new string('x', 1000)).WithTag($"{(message as RequestBodyChunkEvent)?.ChunkIndex}"))),
        options => options with { MaxOutstandingEvents = Limit, Connection = new FrameConnectionOptions { MaxUnsentBytes = 1100 } },
        pauseThreshold: 500);

    private static Task WaitingAsync(AgentHarness agent, int count) =>
        Eventually.TrueAsync(() => agent.Time.ArmedTimers >= count, Wire.Limit, $"{count} answers to wait");
}
