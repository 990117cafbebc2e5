using System.Buffers;
using NUnit.Framework;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Spop;

public sealed class SpopFrameScannerTests
{
    // Length 12, NOTIFY, FIN, stream 240 in two bytes, frame 1, four bytes of payload.
    private static readonly byte[] Notify = Hex.Bytes("0000000C 03 00000001 F000 01 01'm'00 2A");
    private static readonly byte[] Smallest = Hex.Bytes("00000007 00 00000002 00 00");

    [Test]
    public void FramesBackToBack_AreReadFromEveryFragmentation()
    {
        byte[] stream = [.. Smallest, .. Notify, .. Smallest, .. Notify[..6]];
        foreach (var (name, sequence) in Fragmentation.All(stream))
        {
            var buffer = sequence;
            AssertSmallest(ref buffer, name);
            Assert.That(Scan(ref buffer, out var frame, out _), Is.EqualTo(SpopScanStatus.Frame), name);
            Assert.That((frame.Type, frame.Flags), Is.EqualTo((SpopFrameType.Notify, SpopFrameFlags.Fin)), name);
            Assert.That((frame.StreamId, frame.FrameId), Is.EqualTo((240ul, 1ul)), name);
            Assert.That(frame.Payload.ToArray(), Is.EqualTo(Notify[^4..]), name);
            AssertSmallest(ref buffer, name);
            Assert.That(Scan(ref buffer, out _, out _), Is.EqualTo(SpopScanStatus.NeedMore), name);
            Assert.That(buffer.ToArray(), Is.EqualTo(Notify[..6]), name);
        }
    }

    [Test]
    public void TruncationAtEveryOffset_NeedsMoreAndLeavesTheBuffer()
    {
        for (var size = 0; size < Notify.Length; size++)
        {
            foreach (var (name, sequence) in Fragmentation.All(Notify[..size]))
            {
                var buffer = sequence;
                Assert.That(Scan(ref buffer, out _, out var error), Is.EqualTo(SpopScanStatus.NeedMore), $"{size}, {name}");
                Assert.That((buffer.Start, buffer.End), Is.EqualTo((sequence.Start, sequence.End)), name);
                Assert.That(error, Is.EqualTo(default(SpopError)));
            }
        }
    }

    [TestCase("00000000", SpopStatus.InvalidFrame, Description = "no type")]
    [TestCase("00000006", SpopStatus.InvalidFrame, Description = "shorter than a header")]
    [TestCase("00001001", SpopStatus.FrameTooBig, Description = "one above the limit, nothing of the body there")]
    [TestCase("7FFFFFFF", SpopStatus.FrameTooBig)]
    [TestCase("80000000", SpopStatus.FrameTooBig, Description = "not a negative length")]
    [TestCase("FFFFFFFF", SpopStatus.FrameTooBig)]
    [TestCase("'GET / HTTP/1.1'", SpopStatus.FrameTooBig, Description = "an HTTP client")]
    [TestCase("00000007 03 00000004 00 00", SpopStatus.InvalidFrame, Description = "an unknown flag")]
    [TestCase("00000007 03 80000001 00 00", SpopStatus.InvalidFrame, Description = "the highest flag")]
    [TestCase("00000007 03 00000001 F0 00", SpopStatus.InvalidFrame, Description = "no frame id")]
    [TestCase("00000007 03 00000001 00 F0", SpopStatus.InvalidFrame, Description = "half a frame id")]
    [TestCase("00000007 03 00000001 FF FF 00 00", SpopStatus.InvalidFrame, Description = "a stream id beyond the frame")]
    [TestCase("00000011 03 00000001 F0 80808080 80808080 80 00 00", SpopStatus.InvalidFrame, Description = "a stream id of eleven bytes")]
    [TestCase("00000011 03 00000001 00 FF FFFFFFFF FFFFFFFF 7F 00", SpopStatus.InvalidFrame, Description = "a frame id of 67 bits")]
    public void HostileFrame_HasItsStatusInEveryFragmentation(string hex, SpopStatus expected)
    {
        foreach (var (name, sequence) in Fragmentation.All(Hex.Bytes(hex)))
        {
            var buffer = sequence;
            Assert.That(Scan(ref buffer, out _, out var error, 0x1000), Is.EqualTo(SpopScanStatus.Invalid), name);
            Assert.That(error.Status, Is.EqualTo(expected), error.Message);
            Assert.That(error.Message, Has.Length.InRange(20, SpopLimits.MaxDisconnectMessage));
            Assert.That((buffer.Start, buffer.End), Is.EqualTo((sequence.Start, sequence.End)), name);
        }
    }

    [Test]
    public void LengthAtTheLimit_IsAccepted()
    {
        var bytes = SpopProxy.Frame(SpopProxy.Notify, SpopProxy.Fin, 1, 1, new byte[256 - 7]);
        var buffer = new ReadOnlySequence<byte>(bytes);
        Assert.That(Scan(ref buffer, out _, out var error, 255), Is.EqualTo(SpopScanStatus.Invalid));
        Assert.That(error.Message, Does.Contain("256 bytes").And.Contain("255"));
        Assert.That(Scan(ref buffer, out _, out _, 256), Is.EqualTo(SpopScanStatus.Frame));
        Assert.That(buffer.IsEmpty, Is.True);
    }

    [Test]
    public void EveryTypeAndBothFlags_AreAccepted()
    {
        for (var type = 0; type <= byte.MaxValue; type++)
        {
            for (var flags = 0u; flags <= 3; flags++)
            {
                var buffer = new ReadOnlySequence<byte>(SpopProxy.Frame((byte)type, flags, ulong.MaxValue, ulong.MaxValue, []));
                Assert.That(Scan(ref buffer, out var frame, out _), Is.EqualTo(SpopScanStatus.Frame));
                Assert.That(((int)frame.Type, (uint)frame.Flags), Is.EqualTo((type, flags)));
                Assert.That((frame.IsFinal, frame.IsAbort), Is.EqualTo(((flags & 1) != 0, (flags & 2) != 0)));
                Assert.That((frame.StreamId, frame.FrameId), Is.EqualTo((ulong.MaxValue, ulong.MaxValue)));
            }
        }
    }

    private static SpopScanStatus Scan(
        ref ReadOnlySequence<byte> buffer, out SpopFrame frame, out SpopError error, int limit = SpopLimits.MaxFrameSize) =>
        SpopFrameScanner.TryRead(ref buffer, limit, out frame, out error);

    private static void AssertSmallest(ref ReadOnlySequence<byte> buffer, string name)
    {
        Assert.That(Scan(ref buffer, out var frame, out _), Is.EqualTo(SpopScanStatus.Frame), name);
        Assert.That((frame.Type, frame.Flags), Is.EqualTo((SpopFrameType.Unset, SpopFrameFlags.Abort)), name);
        Assert.That((frame.StreamId, frame.FrameId, frame.Payload.Length), Is.EqualTo((0ul, 0ul, 0L)), name);
    }
}
