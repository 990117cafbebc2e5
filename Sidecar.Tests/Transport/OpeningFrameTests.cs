using System.IO.Pipelines;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Tests.Transport;

/// <summary>The first frame of a stream, with every length and every end that a stranger can give it.</summary>
public sealed class OpeningFrameTests
{
    private const int Limit = 100;

    [Test]
    public async Task WholeFrame_IsReadInAnyPieces([Values(1, 2, 3, 4, 5, 6, 50)] int piece)
    {
        var sent = Wire.Frame(MessageType.HandshakeRequest, "hello"u8);
        var frame = await ReadAsync([.. sent, 0xEE], piece);
        Assert.That((frame.End, frame.Type, frame.Problem), Is.EqualTo((FrameConnectionEnd.None, MessageType.HandshakeRequest, "")));
        Assert.That(frame.Payload, Is.EqualTo("hello"u8.ToArray()));
    }

    [Test]
    public async Task WhatFollows_IsLeftInTheStream()
    {
        using var stream = new MemoryStream([.. Wire.Frame(MessageType.HandshakeRequest, "a"u8), .. Wire.Frame(MessageType.Ping, "b"u8)]);
        await OpeningFrame.ReadAsync(stream, Limit, CancellationToken.None);
        var second = await OpeningFrame.ReadAsync(stream, Limit, CancellationToken.None);
        Assert.That((second.Type, second.Payload.Single()), Is.EqualTo((MessageType.Ping, (byte)'b')));
        Assert.That((await OpeningFrame.ReadAsync(stream, Limit, CancellationToken.None)).End, Is.EqualTo(FrameConnectionEnd.ClosedByPeer));
    }

    [Test]
    public async Task EndAtEveryOffset_IsTold([Range(0, 9)] int offset)
    {
        var frame = await ReadAsync(Wire.Frame(MessageType.HandshakeRequest, "hello"u8)[..offset], piece: 3);
        Assert.That(frame.End, Is.EqualTo(offset == 0 ? FrameConnectionEnd.ClosedByPeer : FrameConnectionEnd.TruncatedFrame));
        Assert.That(frame.Problem, Does.Contain("closed"));
    }

    [TestCase(new byte[] { 0, 0, 0, 0 }, FrameConnectionEnd.ZeroLengthFrame, "length 0")]
    [TestCase(new byte[] { 0, 0, 0, 101 }, FrameConnectionEnd.FrameTooLong, "announced 101 bytes; the limit is 100")]
    [TestCase(new byte[] { 0x80, 0, 0, 0 }, FrameConnectionEnd.FrameTooLong, "2147483648")]
    [TestCase(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF }, FrameConnectionEnd.FrameTooLong, "4294967295")]
    public async Task BadLength_IsToldFromTheLengthAlone(byte[] bytes, FrameConnectionEnd end, string part)
    {
        var frame = await ReadAsync(bytes, piece: 4);
        Assert.That(frame.End, Is.EqualTo(end));
        Assert.That(frame.Problem, Does.Contain(part));
    }

    [Test]
    public async Task LengthAtTheLimit_IsTaken()
    {
        var frame = await ReadAsync(Wire.Frame(MessageType.Pong, new byte[Limit - 1]), piece: 64);
        Assert.That((frame.End, frame.Payload.Length), Is.EqualTo((FrameConnectionEnd.None, Limit - 1)));
    }

    [Test]
    public async Task SilentStream_EndsWithTheToken()
    {
        var pipe = new Pipe();
        using var limit = new CancellationTokenSource();
        await pipe.Writer.WriteAsync(new byte[] { 0, 0, 0 }, limit.Token);
        var reading = OpeningFrame.ReadAsync(pipe.Reader.AsStream(), Limit, limit.Token);
        Assert.That(reading.IsCompleted, Is.False);
        await limit.CancelAsync();
        Assert.That(async () => await reading.WaitAsync(Wire.Limit, CancellationToken.None), Throws.InstanceOf<OperationCanceledException>());
    }

    private static async Task<OpeningFrame> ReadAsync(byte[] bytes, int piece)
    {
        var pipe = new Pipe();
        var reading = OpeningFrame.ReadAsync(pipe.Reader.AsStream(), Limit, CancellationToken.None);
        foreach (var part in bytes.Chunk(piece))
        {
            await pipe.Writer.WriteAsync(part);
        }

        await pipe.Writer.CompleteAsync();
        return await reading.WaitAsync(Wire.Limit);
    }
}
