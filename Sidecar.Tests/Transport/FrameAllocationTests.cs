using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

[NonParallelizable]
public sealed class FrameAllocationTests
{
    private const int Warmup = 4_000;
    private const int Measured = 20_000;
    private const int Attempts = 5;

    [Test]
    public async Task SteadyState_AllocatesNothingPerFrame()
    {
        var pair = new DuplexPipePair(System.IO.Pipelines.PipeScheduler.ThreadPool);
        var near = new FrameConnection(pair.Near);
        var far = new FrameConnection(pair.Far);
        var client = new Client(near);
        var running = Task.WhenAll(near.RunAsync(client), far.RunAsync(new Echo(far)));
        await client.RunAsync(Warmup).WaitAsync(Wire.Limit);

        // The whole process is counted, so another test's thread may disturb one attempt, but not all of them.
        var least = double.MaxValue;
        for (var i = 0; i < Attempts && least > 1; i++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await client.RunAsync(Measured).WaitAsync(Wire.Limit);
            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Measured);
        }

        near.Close();
        await running.WaitAsync(Wire.Limit);
        Assert.That(least, Is.LessThan(1), "bytes per round trip of two frames");
    }

    private sealed class Client(FrameConnection connection) : IFrameHandler
    {
        private readonly byte[] _frame = Wire.Sized(200);
        private TaskCompletionSource? _done;
        private int _left;

        public Task RunAsync(int count)
        {
            _left = count;
            _done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            connection.TrySend(_frame);
            return _done.Task;
        }

        public void OnFrame(MessageType type, ReadOnlyMemory<byte> payload)
        {
            if (--_left > 0)
            {
                connection.TrySend(_frame);
                return;
            }

            _done!.SetResult();
        }

        public void OnEnd(FrameConnectionEnd end, Exception? error) => _done?.TrySetException(new IOException($"the connection ended: {end}", error));
    }

    private sealed class Echo(FrameConnection connection) : IFrameHandler
    {
        private readonly byte[] _frame = Wire.Sized(300);

        public void OnFrame(MessageType type, ReadOnlyMemory<byte> payload) => connection.TrySend(_frame);

        public void OnEnd(FrameConnectionEnd end, Exception? error)
        {
        }
    }
}
