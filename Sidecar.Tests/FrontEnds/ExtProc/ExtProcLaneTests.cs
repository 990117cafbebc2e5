using Google.Protobuf;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.ExtProc;
using Sidecar.Protocol.Envoy;

namespace Sidecar.Tests.FrontEnds.ExtProc;

/// <summary>What may wait in one direction: so much and no more.</summary>
internal sealed class ExtProcLaneTests
{
    [TestCase(0, 64)]
    [TestCase(16 * 1024, 8)]
    [TestCase(1024 * 1024, 1)]
    public async Task FullLane_LetsItsReaderWait(int size, int fits)
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        List<long> taken = [];
        var lane = new ExtProcLane(async (_, arrived) =>
        {
            await turn.Task;
            taken.Add(arrived);
        });
        var message = new ProcessingRequest { RequestBody = new HttpBody { Body = ByteString.CopyFrom(new byte[size]) } };
        for (var i = 0; i < fits; i++)
        {
            Assert.That(lane.AddAsync(message, i).AsTask().IsCompletedSuccessfully, Is.True, $"message {i} fits");
        }

        var waiting = lane.AddAsync(message, fits).AsTask();
        Assert.That((waiting.IsCompleted, lane.IsBusy), Is.EqualTo((false, true)));
        turn.SetResult();
        await waiting.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        await lane.Idle.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);

        Assert.That(lane.IsBusy, Is.False);
        Assert.That(taken, Is.EqualTo(Enumerable.Range(0, fits + 1).Select(static i => (long)i)), "in the order they came");
    }
}
