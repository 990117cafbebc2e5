using NUnit.Framework;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Sdk;

/// <summary>Events that are few but large must not fill the memory either.</summary>
internal sealed class OutstandingBytesTests
{
    [Test]
    public async Task EventsBeyondTheByteLimit_AreRefused_AndRoomComesBack()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new ScriptedHandler(async (message, _) =>
        {
            if (message is RequestBodyChunkEvent)
            {
                await release.Task;
            }

            return AgentResponse.Allow;
        });
        await using var agent = await AgentHarness.IntroducedAsync(handler, options => options with { MaxOutstandingBytes = 10_000 });
        var third = new CorrelationId((UInt128)7);
        await agent.Peer.SendAsync(SampleEvents.Body(SampleEvents.A, new byte[7_000]));

        CancelTests.AssertFailure(await agent.Peer.AskAsync(SampleEvents.Body(third, new byte[7_000])), third, ReasonCodes.Overloaded);

        release.SetResult();
        Assert.That((await agent.Peer.ReadAnswerAsync()).CorrelationId, Is.EqualTo(SampleEvents.A));
        await agent.IdleAsync();
        var alone = await agent.Peer.AskAsync(SampleEvents.Body(third, new byte[20_000]));
        Assert.That(alone.Response.Decision, Is.InstanceOf<AllowDecision>(), "one event alone is always taken");
        await agent.IdleAsync();
    }
}
