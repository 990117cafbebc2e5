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
        var (near, far) = SocketPipesTests.Connect(directory);
        using var nearPipes = new SocketPipes(near);
        using var farPipes = new SocketPipes(far);
        Assert.That(await LeastAsync(nearPipes, farPipes, size, count), Is.LessThan(Slack), $"bytes for {count} round trips of two frames");
    }

    // The whole process is counted, so another test's thread may disturb one attempt, but not all of them.
    private static async Task<long> LeastAsync(IDuplexPipe nearPipe, IDuplexPipe farPipe, int size, int count)
    {
        var near = new FrameConnection(nearPipe);
        var far = new FrameConnection(farPipe);
        var client = new Client(near, size);
        var running = Task.WhenAll(near.RunAsync(client), far.RunAsync(new Echo(far)));
        await client.RunAsync(count / 4).WaitAsync(Wire.Limit);
        var least = long.MaxValue;
        for (var i = 0; i < Attempts && least >= Slack; i++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await client.RunAsync(count).WaitAsync(Wire.Limit);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        near.Close();
        await running.WaitAsync(Wire.Limit);
        return least;
    }

    private static void Send(FrameConnection connection, ReadOnlySpan<byte> payload)
    {
        using var frame = FrameBuffer.Rent(MessageType.AgentResponse);
        frame.Write(payload[..(payload.Length / 2)]);
        frame.Write(payload[(payload.Length / 2)..]);
        connection.TrySend(frame.Finish());
    }

    private sealed class Client(FrameConnection connection, int size) : IFrameHandler
    {
        private readonly byte[] _payload = new byte[size];
        private TaskCompletionSource? _done;
        private int _left;

        public Task RunAsync(int count)
        {
            _left = count;
            _done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Send(connection, _payload);
            return _done.Task;
        }

        public void OnFrame(MessageType type, ReadOnlyMemory<byte> payload)
        {
            if (--_left > 0)
            {
                Send(connection, _payload);
                return;
            }

            _done!.SetResult();
        }

        public void OnEnd(FrameConnectionEnd end, Exception? error) => _done?.TrySetException(new IOException($"the connection ended: {end}", error));
    }

    private sealed class Echo(FrameConnection connection) : IFrameHandler
    {
        public void OnFrame(MessageType type, ReadOnlyMemory<byte> payload) => Send(connection, payload.Span);

        public void OnEnd(FrameConnectionEnd end, Exception? error)
        {
        }
    }
}
