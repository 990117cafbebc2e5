using System.Buffers;
using System.Buffers.Binary;
using NUnit.Framework;
using Sidecar.Protocol.Framing;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Framing;

public sealed class HostileLengthTests
{
    private const uint Limit = FrameLimits.MaxLength;

    private static readonly TestCaseData<uint, FrameScanStatus>[] HeaderAlone =
    [
        new(0, FrameScanStatus.ZeroLength) { TestName = "Length 0 is refused" },
        new(1, FrameScanStatus.NeedMore) { TestName = "Length 1 waits for the type" },
        new(Limit, FrameScanStatus.NeedMore) { TestName = "Length at the limit waits for the body" },
        new(Limit + 1, FrameScanStatus.TooLong) { TestName = "Length one above the limit is refused" },
        new(int.MaxValue, FrameScanStatus.TooLong) { TestName = "Length 2^31-1 is refused" },
        new(0x8000_0000, FrameScanStatus.TooLong) { TestName = "Length 0x80000000 is not taken for a negative one" },
        new(uint.MaxValue, FrameScanStatus.TooLong) { TestName = "Length 0xFFFFFFFF is not taken for -1" },
    ];

    [TestCaseSource(nameof(HeaderAlone))]
    public void LengthAlone_IsJudgedBeforeTheBody(uint length, FrameScanStatus expected)
    {
        foreach (var (name, sequence) in Fragmentation.All(Header(length)))
        {
            var buffer = sequence;
            var status = FrameFormat.Native.TryRead(ref buffer, Limit, out _, out var seen);

            Assert.That(status, Is.EqualTo(expected), name);
            Assert.That(seen, Is.EqualTo(length), name);
            Assert.That((buffer.Start, buffer.End), Is.EqualTo((sequence.Start, sequence.End)), name);
        }
    }

    [TestCaseSource(nameof(HeaderAlone))]
    public void BodyFollowing_DoesNotChangeTheVerdict(uint length, FrameScanStatus expected)
    {
        byte[] bytes = [.. Header(length), 0x41, 1, 2, 3];
        var verdict = length == 1 ? FrameScanStatus.Frame : expected;
        foreach (var (name, sequence) in Fragmentation.All(bytes))
        {
            var buffer = sequence;
            Assert.That(FrameFormat.Native.TryRead(ref buffer, Limit, out _, out _), Is.EqualTo(verdict), name);
            Assert.That(buffer.Length, Is.EqualTo(length == 1 ? 3 : bytes.Length), name);
        }
    }

    [Test]
    public void FrameAtTheLimit_IsReadWhole()
    {
        var bytes = new byte[FrameLimits.LengthSize + FrameLimits.MaxLength];
        FrameFormat.Native.WriteHeader(bytes, 0x10, FrameLimits.MaxLength - 1);
        bytes[^1] = 0x99;
        var buffer = Fragmentation.Cut(bytes, [2, 4, 5, 70_000]);

        Assert.That(FrameFormat.Native.TryRead(ref buffer, Limit, out var frame, out _), Is.EqualTo(FrameScanStatus.Frame));
        Assert.That(frame.Payload.Length, Is.EqualTo(FrameLimits.MaxLength - 1));
        Assert.That(frame.Payload.Slice(frame.Payload.Length - 1).FirstSpan[0], Is.EqualTo(0x99));
        Assert.That(buffer.IsEmpty, Is.True);
    }

    [Test]
    public void SmallerLimit_IsObeyed()
    {
        byte[] three = [0, 0, 0, 3, 0x41, 1, 2];
        var buffer = new ReadOnlySequence<byte>(three);
        Assert.That(FrameFormat.Native.TryRead(ref buffer, 2, out _, out var length), Is.EqualTo(FrameScanStatus.TooLong));
        Assert.That(length, Is.EqualTo(3u));
        Assert.That(FrameFormat.Native.TryRead(ref buffer, 3, out _, out _), Is.EqualTo(FrameScanStatus.Frame));
    }

    [Test]
    public void HugeLimit_DoesNotWrapTheLength()
    {
        var buffer = new ReadOnlySequence<byte>([.. Header(uint.MaxValue), 0x41, 1, 2]);
        Assert.That(FrameFormat.Native.TryRead(ref buffer, uint.MaxValue, out _, out _), Is.EqualTo(FrameScanStatus.NeedMore));
    }

    private static byte[] Header(uint length)
    {
        var bytes = new byte[FrameLimits.LengthSize];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, length);
        return bytes;
    }
}
