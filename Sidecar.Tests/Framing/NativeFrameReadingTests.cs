using System.Buffers;
using NUnit.Framework;
using Sidecar.Protocol.Framing;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Framing;

public sealed class NativeFrameReadingTests
{
    private static readonly byte[] Ping = [0, 0, 0, 4, 0x41, 0xA1, 0xA2, 0xA3];
    private static readonly byte[] Empty = [0, 0, 0, 1, 0x30];

    [Test]
    public void CompleteFrame_IsReadFromEveryFragmentation()
    {
        foreach (var (name, sequence) in Fragmentation.All(Ping))
        {
            var buffer = sequence;
            var status = Scan(ref buffer, out var frame, out var length);

            Assert.That(status, Is.EqualTo(FrameScanStatus.Frame), name);
            Assert.That(frame.Type, Is.EqualTo(0x41), name);
            Assert.That(frame.Payload.ToArray(), Is.EqualTo(Ping[5..]), name);
            Assert.That(length, Is.EqualTo(4u), name);
            Assert.That(buffer.IsEmpty, Is.True, name);
        }
    }

    [Test]
    public void FramesBackToBack_AreReadOneAfterTheOther()
    {
        byte[] stream = [.. Empty, .. Ping, .. Empty, .. Ping[..6]];
        foreach (var (name, sequence) in Fragmentation.All(stream))
        {
            var buffer = sequence;
            Assert.That(Scan(ref buffer, out var first, out _), Is.EqualTo(FrameScanStatus.Frame), name);
            Assert.That((first.Type, first.Payload.Length), Is.EqualTo(((byte)0x30, 0L)), name);
            Assert.That(Scan(ref buffer, out var second, out _), Is.EqualTo(FrameScanStatus.Frame), name);
            Assert.That(second.Payload.ToArray(), Is.EqualTo(Ping[5..]), name);
            Assert.That(Scan(ref buffer, out var third, out _), Is.EqualTo(FrameScanStatus.Frame), name);
            Assert.That(third.Type, Is.EqualTo(0x30), name);
            Assert.That(Scan(ref buffer, out _, out _), Is.EqualTo(FrameScanStatus.NeedMore), name);
            Assert.That(buffer.ToArray(), Is.EqualTo(Ping[..6]), name);
        }
    }

    [Test]
    public void TruncationAtEveryOffset_NeedsMoreAndLeavesTheBuffer()
    {
        for (var size = 0; size < Ping.Length; size++)
        {
            foreach (var (name, sequence) in Fragmentation.All(Ping[..size]))
            {
                var buffer = sequence;
                var status = Scan(ref buffer, out var frame, out var length);

                Assert.That(status, Is.EqualTo(FrameScanStatus.NeedMore), $"{size} bytes, {name}");
                AssertUntouched(buffer, sequence, $"{size} bytes, {name}");
                Assert.That(frame.Payload.IsEmpty, Is.True, name);
                Assert.That(length, Is.EqualTo(size < FrameLimits.LengthSize ? 0u : 4u), name);
            }
        }
    }

    [Test]
    public void EveryType_IsAccepted()
    {
        for (var type = 0; type <= byte.MaxValue; type++)
        {
            var buffer = new ReadOnlySequence<byte>([0, 0, 0, 1, (byte)type]);
            Assert.That(Scan(ref buffer, out var frame, out _), Is.EqualTo(FrameScanStatus.Frame));
            Assert.That(frame.Type, Is.EqualTo(type));
        }
    }

    [Test]
    public void Payload_IsNotCopied()
    {
        var bytes = (byte[])Ping.Clone();
        var buffer = new ReadOnlySequence<byte>(bytes);
        Scan(ref buffer, out var frame, out _);

        bytes[5] = 0x77;

        Assert.That(frame.Payload.FirstSpan[0], Is.EqualTo(0x77));
    }

    private static FrameScanStatus Scan(ref ReadOnlySequence<byte> buffer, out Frame frame, out uint length) =>
        FrameFormat.Native.TryRead(ref buffer, FrameLimits.MaxLength, out frame, out length);

    private static void AssertUntouched(ReadOnlySequence<byte> after, ReadOnlySequence<byte> before, string name)
    {
        Assert.That(after.Start, Is.EqualTo(before.Start), name);
        Assert.That(after.End, Is.EqualTo(before.End), name);
    }
}
