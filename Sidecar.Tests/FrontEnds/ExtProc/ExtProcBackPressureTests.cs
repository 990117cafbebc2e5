using NUnit.Framework;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.FrontEnds.ExtProc;

/// <summary>What may wait in one direction: so much and no more.</summary>
internal sealed class ExtProcBackPressureTests
{
    [TestCase(1, 64)]
    [TestCase(16 * 1024, 8)]
    [TestCase(1024 * 1024, 1)]
    public async Task FullDirection_LetsItsReaderWait(int size, int fits)
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var agent = new LambdaAgent("a") { MaxBodySize = ulong.MaxValue };
        agent.Answers = async (message, _) =>
        {
            if (message is RequestBodyChunkEvent)
            {
                await turn.Task;
            }

            return AgentResponse.Allow;
        };
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(Messages.Request(request: BodySendMode.Streamed));
        await rig.Stream.IdleAsync();
        for (var i = 0; i < fits; i++)
        {
            var piece = Messages.Body(Direction.Request, new string('x', size));
            Assert.That(rig.Stream.OnMessageAsync(piece).AsTask().IsCompletedSuccessfully, Is.True, $"message {i} fits");
        }

        var waiting = rig.Stream.OnMessageAsync(Messages.Body(Direction.Request, new string('x', size), last: true)).AsTask();
        Assert.That((waiting.IsCompleted, rig.Stream.IdleAsync().AsTask().IsCompleted), Is.EqualTo((false, false)));
        turn.SetResult();
        await waiting.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        for (var i = 0; i < fits; i++)
        {
            Assert.That((await rig.NextAsync()).RequestBody, Is.Not.Null, "in the order they came");
        }

        Assert.That((await rig.NextAsync()).RequestBody, Is.Not.Null);
        await rig.Stream.IdleAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
    }
}
