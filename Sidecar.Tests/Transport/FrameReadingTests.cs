using System.Buffers.Binary;
using System.IO.Pipelines;
using NUnit.Framework;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

public sealed class FrameReadingTests
{
    private static readonly (MessageType Type, byte[] Payload)[] Sample =
    [
        (MessageType.Ping, []), ((MessageType)0xFE, [1]), (MessageType.RequestHeaders, [0, 0, 0, 1, 2]),
        (MessageType.Cancel, [.. Enumerable.Range(0, 30).Select(i => (byte)i)]),
    ];

    [Test]
    public async Task EveryFragmentation_GivesTheFramesOnceAndInOrder()
    {
        foreach (var fragmented in Fragmentation.All([.. Sample.SelectMany(frame => Wire.Frame(frame.Type, frame.Payload))]))
        {
            var handler = new RecordingFrameHandler();
            var connection = new FrameConnection(new Pipes(PipeReader.Create(fragmented.Sequence), PipeWriter.Create(Stream.Null)));
            await connection.RunAsync(handler).WaitAsync(Wire.Limit);
            AssertSample(handler, fragmented.Name);
            Assert.That((handler.End, handler.Ends, connection.FramesReceived), Is.EqualTo((FrameConnectionEnd.ClosedByPeer, 1, 4L)), fragmented.Name);
        }
    }

    [Test]
    public async Task PiecesThatArriveOneAfterTheOther_GiveTheFramesOnceAndInOrder()
    {
        byte[] bytes = [.. Sample.SelectMany(frame => Wire.Frame(frame.Type, frame.Payload))];
        foreach (
            var fragmented in Fragmentation.All(bytes, randomCount: 4).Where((_, i) => i % 3 == 0)
                .Append(new("single bytes", Fragmentation.Cut(bytes, Enumerable.Range(1, bytes.Length - 1)))))
        {
            var pair = new DuplexPipePair();
            var handler = new RecordingFrameHandler();
            var running = new FrameConnection(pair.Near).RunAsync(handler);
            foreach (var piece in fragmented.Sequence)
            {
                await pair.Far.Output.WriteAsync(piece);
            }

            await pair.Far.Output.CompleteAsync();
            await running.WaitAsync(Wire.Limit);
            AssertSample(handler, fragmented.Name);
            Assert.That((handler.End, handler.Ends), Is.EqualTo((FrameConnectionEnd.ClosedByPeer, 1)), fragmented.Name);
        }
    }

    [TestCase(0u, FrameConnectionEnd.ZeroLengthFrame, "length 0")]
    [TestCase(101u, FrameConnectionEnd.FrameTooLong, "announced 101 bytes; the limit is 100")]
    [TestCase(0x8000_0000u, FrameConnectionEnd.FrameTooLong, "announced 2147483648 bytes")]
    [TestCase(0xFFFF_FFFFu, FrameConnectionEnd.FrameTooLong, "announced 4294967295 bytes")]
    public async Task BadLength_EndsWithItsNameAfterTheFramesBefore(uint length, FrameConnectionEnd end, string error)
    {
        var pair = new DuplexPipePair();
        var handler = new RecordingFrameHandler();
        var running = new FrameConnection(pair.Near, new FrameConnectionOptions { MaxFrameLength = 100 }).RunAsync(handler);
        var bad = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bad, length);
        await pair.Far.Output.WriteAsync((byte[])[.. Wire.Frame(MessageType.Ping, new byte[99]), .. bad]);

        await running.WaitAsync(Wire.Limit);
        Assert.That(handler.Frames, Has.Count.EqualTo(1));
        Assert.That((handler.End, handler.Ends), Is.EqualTo((end, 1)));
        Assert.That(handler.Error, Is.InstanceOf<InvalidDataException>().With.Message.Contains(error));
    }

    [Test]
    public async Task EndInsideAFrame_IsTruncation()
    {
        var frame = Wire.Frame(MessageType.Ping, [1, 2, 3]);
        for (var length = 0; length <= frame.Length; length++)
        {
            var pair = new DuplexPipePair();
            var handler = new RecordingFrameHandler();
            var running = new FrameConnection(pair.Near).RunAsync(handler);
            await pair.Far.Output.WriteAsync(frame.AsMemory(0, length));
            await pair.Far.Output.CompleteAsync();

            await running.WaitAsync(Wire.Limit);
            var clean = length == 0 || length == frame.Length;
            Assert.That(handler.End, Is.EqualTo(clean ? FrameConnectionEnd.ClosedByPeer : FrameConnectionEnd.TruncatedFrame), $"{length} bytes");
            Assert.That(handler.Frames, Has.Count.EqualTo(length == frame.Length ? 1 : 0));
        }
    }

    [Test]
    public async Task LargestFrame_PassesInBothDirections()
    {
        var pair = new DuplexPipePair(PipeScheduler.ThreadPool);
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new RecordingFrameHandler(_ => arrived.TrySetResult());
        var connection = new FrameConnection(pair.Near);
        var running = connection.RunAsync(handler);
        var payload = new byte[FrameLimits.MaxLength - 1];
        new Random(3).NextBytes(payload);
        var frame = Wire.Frame(MessageType.RequestBodyChunk, payload);
        var sending = pair.Far.Output.WriteAsync(frame).AsTask();
        Assert.That(connection.TrySend(new OutgoingFrame(MessageType.RequestBodyChunk, payload)), Is.EqualTo(SendStatus.Sent));

        var back = await Wire.ReadAsync(pair.Far.Input);
        await sending.WaitAsync(Wire.Limit);
        await arrived.Task.WaitAsync(Wire.Limit);
        await pair.Far.Output.CompleteAsync();
        await running.WaitAsync(Wire.Limit);
        Assert.That(back!.Value.Payload.AsSpan().SequenceEqual(payload), Is.True);
        Assert.That(handler.Frames.Single().Payload.AsSpan().SequenceEqual(payload), Is.True);
    }

    [Test]
    public async Task HandlerThatThrows_EndsAsItsFailureOnce()
    {
        var pair = new DuplexPipePair();
        var handler = new RecordingFrameHandler(_ => throw new FormatException("oops"));
        var running = new FrameConnection(pair.Near).RunAsync(handler);
        await pair.Far.Output.WriteAsync((byte[])[.. Wire.Frame(MessageType.Ping, []), .. Wire.Frame(MessageType.Ping, [])]);

        await running.WaitAsync(Wire.Limit);
        Assert.That((handler.End, handler.Ends, handler.Frames.Count), Is.EqualTo((FrameConnectionEnd.HandlerFailure, 1, 1)));
        Assert.That(handler.Error, Is.InstanceOf<FormatException>());
    }

    private static void AssertSample(RecordingFrameHandler handler, string name)
    {
        Assert.That(handler.Frames.Select(frame => frame.Type), Is.EqualTo(Sample.Select(frame => frame.Type)), name);
        Assert.That(handler.Frames.Select(frame => frame.Payload), Is.EqualTo(Sample.Select(frame => frame.Payload)), name);
    }

    private sealed record Pipes(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
