using System.Buffers;
using System.IO.Pipelines;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

[NonParallelizable]
public sealed class FrameAllocationTests
{
    private const int Attempts = 5;

    // What the runtime may take for itself over so many large frames.
    private const int Slack = 4096;

    [TestCase(200, 20_000)]
    [TestCase(512 * 1024, 200)]
    public async Task SteadyState_AllocatesNothingPerFrame(int size, int count)
    {
        using var directory = new TempDirectory();
        var (near, far) = SocketPipesRig.Connect(directory);
        using var nearPipes = new SocketPipes(near);
        using var farPipes = new SocketPipes(far);
        Assert.That(await LeastAsync(nearPipes, farPipes, size, count), Is.LessThan(Slack), $"bytes for {count} round trips of two frames");
    }

    // The whole process is counted, so another test's thread may disturb one lap, but not all of them.
    private static async Task<long> LeastAsync(IDuplexPipe nearPipe, IDuplexPipe farPipe, int size, int count)
    {
        var near = new FrameConnection(nearPipe);
        var far = new FrameConnection(farPipe);
        var client = new Client(near, size, count);
        var running = Task.WhenAll(near.RunAsync(client), far.RunAsync(new Echo(far)));
        var laps = await client.RunAsync().WaitAsync(Wire.Limit);
        near.Close();
        await running.WaitAsync(Wire.Limit);
        return laps.Min();
    }

    private static void Send(FrameConnection connection, ReadOnlySpan<byte> payload)
    {
        using var frame = FrameBuffer.Rent(MessageType.AgentResponse);
        frame.Write(payload[..(payload.Length / 2)]);
        frame.Write(payload[(payload.Length / 2)..]);
        connection.TrySend(frame.Finish());
    }

    // Counts on the thread that reads, where the frames go round: one that begins something takes memory of its own, which is not that of a frame.
    private sealed class Client(FrameConnection connection, int size, int framesOfLap) : IFrameHandler
    {
        private readonly byte[] _payload = new byte[size];
        private readonly long[] _laps = new long[Attempts];
        private readonly TaskCompletionSource<long[]> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _before;
        private int _lap = -1;
        private int _frames;

        public Task<long[]> RunAsync()
        {
            Send(connection, _payload);
            return _done.Task;
        }

        public void OnFrame(MessageType type, ReadOnlyMemory<byte> payload)
        {
            if (++_frames == framesOfLap)
            {
                var now = GC.GetTotalAllocatedBytes(precise: true);
                if (_lap >= 0)
                {
                    _laps[_lap] = now - _before;
                }

                (_before, _frames) = (now, 0);
                if (++_lap == Attempts || (_lap > 0 && _laps[_lap - 1] < Slack))
                {
                    _done.SetResult(_laps[.._lap]);
                    return;
                }
            }

            Send(connection, _payload);
        }

        public void OnEnd(FrameConnectionEnd end, Exception? error) => _done.TrySetException(new IOException($"the connection ended: {end}", error));
    }

    private sealed class Echo(FrameConnection connection) : IFrameHandler
    {
        public void OnFrame(MessageType type, ReadOnlyMemory<byte> payload) => Send(connection, payload.Span);

        public void OnEnd(FrameConnectionEnd end, Exception? error)
        {
        }
    }
}
