using System.Buffers;
using NUnit.Framework;
using Sidecar.Protocol.Framing;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Framing;

public sealed class NativeFrameHeaderTests
{
    [TestCase(0, "00 00 00 01 42")]
    [TestCase(3, "00 00 00 04 42")]
    [TestCase(0x010203, "00 01 02 04 42")]
    [TestCase(FrameLimits.MaxLength - 1, "01 00 00 00 42")]
    public void Header_IsBigEndianAndCountsTheType(int payloadLength, string expected)
    {
        Span<byte> header = stackalloc byte[FrameLimits.HeaderSize];
        FrameFormat.Native.WriteHeader(header, 0x42, payloadLength);
        Assert.That(header.ToArray(), Is.EqualTo(Convert.FromHexString(expected.Replace(" ", "", StringComparison.Ordinal))));
    }

    [TestCase(FrameLimits.MaxLength)]
    [TestCase(int.MaxValue)]
    [TestCase(-1)]
    [TestCase(int.MinValue)]
    public void PayloadThatNoReaderAccepts_ThrowsAndWritesNothing(int payloadLength)
    {
        var header = new byte[FrameLimits.HeaderSize];
        var thrown = Assert.Throws<ArgumentOutOfRangeException>(() => FrameFormat.Native.WriteHeader(header, 0x42, payloadLength));
        Assert.That(thrown!.Message, Does.Contain($"{payloadLength} bytes").And.Contain("16777215"));
        Assert.That(header, Is.All.Zero);
    }

    [Test]
    public void ShortDestination_ThrowsAndWritesNothing([Range(0, FrameLimits.HeaderSize - 1)] int size)
    {
        var header = new byte[size];
        Assert.Throws<ArgumentException>(() => FrameFormat.Native.WriteHeader(header, 0x42, 0));
        Assert.That(header, Is.All.Zero);
    }

    [Test]
    public void LongerDestination_KeepsItsRest()
    {
        byte[] destination = [9, 9, 9, 9, 9, 9];
        FrameFormat.Native.WriteHeader(destination, 0x42, 1);
        Assert.That(destination, Is.EqualTo(new byte[] { 0, 0, 0, 2, 0x42, 9 }));
    }

    [FsCheck.NUnit.Property]
    public bool WrittenFrame_ReadsBackFromRandomFragments(byte type, byte[] payload, int seed)
    {
        var bytes = new byte[FrameLimits.HeaderSize + payload.Length];
        FrameFormat.Native.WriteHeader(bytes, type, payload.Length);
        payload.CopyTo(bytes.AsSpan(FrameLimits.HeaderSize));
        return Fragmentation.Random(bytes, seed, 4).All(fragmented =>
        {
            var buffer = fragmented.Sequence;
            return FrameFormat.Native.TryRead(ref buffer, FrameLimits.MaxLength, out var frame, out _) == FrameScanStatus.Frame
                && frame.Type == type
                && frame.Payload.ToArray().AsSpan().SequenceEqual(payload)
                && buffer.IsEmpty;
        });
    }
}
