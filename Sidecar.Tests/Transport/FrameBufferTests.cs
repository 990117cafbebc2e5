using System.Buffers;
using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

public sealed class FrameBufferTests
{
    [Test]
    public void Frame_HasHeaderAndPayload([Values(0, 1, 4096, 4097, 300_000)] int size)
    {
        var payload = new byte[size];
        new Random(size).NextBytes(payload);
        using var buffer = FrameBuffer.Rent(MessageType.Pong);
        foreach (var piece in payload.Chunk(1000))
        {
            buffer.Write(piece);
        }

        Assert.That(buffer.PayloadLength, Is.EqualTo(size));
        Assert.That(buffer.Finish().ToArray(FrameFormat.Native).SequenceEqual(Wire.Frame(MessageType.Pong, payload)), Is.True);
    }

    [Test]
    public void LargestPayload_FitsAndOneByteMoreDoesNot()
    {
        using var buffer = FrameBuffer.Rent(MessageType.AgentResponse);
        buffer.Write(new byte[FrameLimits.MaxLength - 1]);
        Assert.That(buffer.Finish().ToArray(FrameFormat.Native).Length, Is.EqualTo(FrameLimits.MaxLength + FrameLimits.LengthSize));

        buffer.Write((byte[])[1]);
        Assert.That(() => buffer.Finish(), Throws.InstanceOf<FrameTooLongException>().With.Message.Contains("16777216 bytes").And.Message.Contains("16777215"));
    }

    [Test]
    public void BufferGivenBackTwice_HasOneOwner()
    {
        var first = FrameBuffer.Rent(MessageType.Ping);
        first.Dispose();
        using var second = FrameBuffer.Rent(MessageType.Ping);
        second.Write((byte[])[1, 2, 3]);
        using var third = FrameBuffer.Rent(MessageType.Pong);
        third.Dispose();
        third.Dispose();
        using var fourth = FrameBuffer.Rent(MessageType.Pong);
        using var fifth = FrameBuffer.Rent(MessageType.Cancel);
        fourth.Write((byte[])[4]);
        fifth.Write((byte[])[5, 6]);

        Assert.That(fifth, Is.Not.SameAs(fourth));
        Assert.That(second.Finish().ToArray(FrameFormat.Native), Is.EqualTo(Wire.Frame(MessageType.Ping, [1, 2, 3])));
        Assert.That(fourth.Finish().ToArray(FrameFormat.Native), Is.EqualTo(Wire.Frame(MessageType.Pong, [4])));
    }

    [Test]
    public void EventWithA64KiBBody_IsEncodedWithoutAllocations([Values("json", "msgpack")] string encoding)
    {
        var message = new RequestBodyChunkEvent { CorrelationId = CorrelationId.Parse("c-1"), Data = new byte[64 * 1024], IsLast = true };
        var allocated = Allocations.Of(20, () =>
        {
            using var buffer = FrameBuffer.Rent(MessageType.RequestBodyChunk);
            MessageEncodings.ByName(encoding).WriteEvent(buffer, message);
        });
        Assert.That(allocated, Is.LessThan(20 * 4096), "no buffer for each event");
    }

    [Test]
    public void Advance_PastTheRoomIsRefused()
    {
        using var buffer = FrameBuffer.Rent(MessageType.Ping);
        var room = buffer.GetSpan(10).Length;
        Assert.That(() => buffer.Advance(room + 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => buffer.Advance(-1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        buffer.Advance(room);
        Assert.That(buffer.PayloadLength, Is.EqualTo(room));
    }
}
