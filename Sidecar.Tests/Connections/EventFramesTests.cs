using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections;

/// <summary>One event for several agents: encoded once for each encoding.</summary>
internal sealed class EventFramesTests
{
    [Test]
    public async Task EventForAgentsOfOneEncoding_IsEncodedOnce_AndAnewForAnother()
    {
        var frames = new EventFrames();
        await using var first = await ConnectedAgent.OpenAsync(encoding: ProtocolConstants.Json);
        await using var second = await ConnectedAgent.OpenAsync(encoding: ProtocolConstants.Json);
        await using var other = await ConnectedAgent.OpenAsync(encoding: ProtocolConstants.MessagePack);

        // What is handed in later is another event, which tells whether anybody has looked at it.
        var asking = first.Connection.CallAsync(TestEvents.Headers(1, "/first"), first.In(1000), frames).AsTask();
        var askingToo = second.Connection.CallAsync(TestEvents.Headers(1, "/second"), second.In(1000), frames).AsTask();
        var askingOther = other.Connection.CallAsync(TestEvents.Headers(1, "/other"), other.In(1000), frames).AsTask();
        frames.Clear();
        List<string> seen = [];
        foreach (var agent in (ConnectedAgent[])[first, second, other])
        {
            var message = await agent.Agent.ReceiveEventAsync<RequestHeadersEvent>();
            seen.Add(message.Uri);
            await agent.Agent.AnswerAsync(message);
        }

        Assert.That(seen, Is.EqualTo(new[] { "/first", "/first", "/other" }));
        Assert.That((await Task.WhenAll(asking, askingToo, askingOther)).Select(static result => result.IsAnswered), Is.All.True);
    }

    [Test]
    public void FrameThatIsShared_IsGivenBackByTheLast()
    {
        var frame = FrameBuffer.Rent(MessageType.Ping);
        frame.GetSpan(1)[0] = 7;
        frame.Advance(1);
        var shared = frame.Share();
        frame.Dispose();
        using var next = FrameBuffer.Rent(MessageType.Ping);
        Assert.That(next, Is.Not.SameAs(shared), "somebody still sends it");
        Assert.That(shared.Finish().Payload.ToArray(), Is.EqualTo(new byte[] { 7 }));
        shared.Dispose();
        using var last = FrameBuffer.Rent(MessageType.Ping);
        Assert.That(last, Is.SameAs(shared), "nobody does");
    }
}
