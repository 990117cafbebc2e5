using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

/// <summary>A handler that has enough for now is handed out nothing more, and later everything.</summary>
internal sealed class FramePauseTests
{
    [Test]
    public async Task FramesBehindAPause_ComeAfterIt_TheLastOnesAndTheEndToo()
    {
        var (pair, handler) = (new DuplexPipePair(), new Pausing());
        var connection = new FrameConnection(pair.Near);
        var running = connection.RunAsync(handler);
        handler.Hold();
        byte[] three = [.. Wire.Sized(10, 1), .. Wire.Sized(10, 2), .. Wire.Sized(10, 3)];
        await pair.Far.Output.WriteAsync(three);
        await Eventually.TrueAsync(() => handler.Fills.Count == 1, Wire.Limit, "the first");
        await pair.Far.Output.WriteAsync(Wire.Sized(10, 4));
        await pair.Far.Output.CompleteAsync();
        Assert.That(handler.Fills, Is.EqualTo(new byte[] { 1 }));

        handler.Resume();
        await running.WaitAsync(Wire.Limit);
        Assert.That(handler.Fills, Is.EqualTo(new byte[] { 1, 2, 3, 4 }));
        Assert.That(handler.End, Is.EqualTo(FrameConnectionEnd.ClosedByPeer));
    }

    [Test]
    public async Task EndOfTheConnection_EndsAPause([Values] bool isAbort)
    {
        var (pair, handler) = (new DuplexPipePair(), new Pausing());
        var connection = new FrameConnection(pair.Near);
        var running = connection.RunAsync(handler);
        handler.Hold();
        await pair.Far.Output.WriteAsync(Wire.Sized(10, 1));
        await Eventually.TrueAsync(() => handler.Fills.Count == 1, Wire.Limit, "the first");
        if (isAbort)
        {
            connection.Abort(FrameConnectionEnd.ProtocolViolation);
        }
        else
        {
            // What is written to a peer that has gone fails.
            await pair.Far.Input.CompleteAsync();
            connection.TrySend(Wire.ToSend(10));
        }

        await running.WaitAsync(Wire.Limit);
        Assert.That(handler.End, Is.Not.EqualTo(FrameConnectionEnd.None));
    }

    private sealed class Pausing : IFrameHandler
    {
        private TaskCompletionSource? _pause;

        public List<byte> Fills { get; } = [];

        public FrameConnectionEnd End { get; private set; }

        public Task? Pause => _pause?.Task;

        public void Hold() => _pause = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Resume()
        {
            var pause = _pause!;
            _pause = null;
            pause.SetResult();
        }

        public void OnFrame(MessageType type, ReadOnlyMemory<byte> payload) => Fills.Add(payload.Span[0]);

        public void OnEnd(FrameConnectionEnd end, Exception? error) => End = end;
    }
}
