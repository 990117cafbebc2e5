using NUnit.Framework;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Sdk;

/// <summary>Events that are few but large must not fill the memory either.</summary>
internal sealed class OutstandingBytesTests
{
    [Test]
    public async Task EventsBeyondTheByteLimit_WaitUnread_AndRoomComesBack()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new ScriptedHandler(async (_, _) =>
        {
            await release.Task;
            return AgentResponse.Allow;
        });
        await using var agent = await AgentHarness.IntroducedAsync(handler, options => options with { MaxOutstandingBytes = 10_000 });
        for (var i = 1; i <= 5; i++)
        {
            await agent.Peer.SendAsync(SampleEvents.Body(new CorrelationId((UInt128)i), new byte[7_000]));
        }

        await CancelTests.StartedAsync(handler, 2);
        Assert.That(agent.Connection.Outstanding, Is.EqualTo(2), "the one that is too much, and nothing behind it");

        release.SetResult();
        for (var i = 1; i <= 5; i++)
        {
            Assert.That((await agent.Peer.ReadAnswerAsync()).Response.Decision, Is.InstanceOf<AllowDecision>());
        }

        await agent.IdleAsync();
    }

    [Test]
    public async Task OneEventAlone_IsAlwaysTaken_AndPausesNothing()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new ScriptedHandler(async (_, _) =>
        {
            await release.Task;
            return AgentResponse.Allow;
        });
        await using var agent = await AgentHarness.IntroducedAsync(handler, options => options with { MaxOutstandingBytes = 10_000 });
        await agent.Peer.SendAsync(SampleEvents.Body(SampleEvents.A, new byte[20_000]));
        await agent.Peer.PingAsync();
        release.SetResult();
        Assert.That((await agent.Peer.ReadAnswerAsync()).CorrelationId, Is.EqualTo(SampleEvents.A));
        await agent.IdleAsync();
    }
}
