using NUnit.Framework;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Spop;

public sealed class SpopVarintTests
{
    [TestCase(0ul, "00")]
    [TestCase(239ul, "EF")]
    [TestCase(240ul, "F0 00")]
    [TestCase(241ul, "F1 00")]
    [TestCase(255ul, "FF 00")]
    [TestCase(256ul, "F0 01")]
    [TestCase(2287ul, "FF 7F")]
    [TestCase(2288ul, "F0 80 00")]
    [TestCase(16380ul, "FC F0 06")]
    [TestCase(65532ul, "FC F0 1E")]
    [TestCase(264431ul, "FF FF 7F")]
    [TestCase(264432ul, "F0 80 80 00")]
    [TestCase(33818863ul, "FF FF FF 7F")]
    [TestCase(33818864ul, "F0 80 80 80 00")]
    [TestCase(4328786159ul, "FF FF FF FF 7F")]
    [TestCase(4328786160ul, "F0 80 80 80 80 00")]
    [TestCase(ulong.MaxValue, "FF F0 FE FE FE FE FE FE FE 0E")]
    public void Vector_IsWrittenAndRead(ulong value, string hex)
    {
        var expected = Hex.Bytes(hex);
        var written = new byte[SpopVarint.MaxSize];
        var size = SpopVarint.Write(written, value);

        Assert.That(written[..size], Is.EqualTo(expected));
        Assert.That(SpopVarint.SizeOf(value), Is.EqualTo(size));
        Assert.That(SpopVarint.TryRead([.. expected, 0xFF], out var read, out var taken), Is.EqualTo(SpopReadResult.Success));
        Assert.That((read, taken), Is.EqualTo((value, size)));
    }

    [Test]
    public void EveryTruncation_IsTruncated()
    {
        var whole = SpopBytes.Varint(ulong.MaxValue);
        for (var size = 0; size < whole.Length; size++)
        {
            Assert.That(SpopVarint.TryRead(whole.AsSpan(0, size), out var value, out var taken), Is.EqualTo(SpopReadResult.Truncated));
            Assert.That((value, taken), Is.EqualTo((0ul, 0)));
        }
    }

    [TestCase("FF F0 FE FE FE FE FE FE FE 0F", Description = "2^60 above the largest value")]
    [TestCase("FF F1 FE FE FE FE FE FE FE 0E", Description = "16 above the largest value")]
    [TestCase("FF FF FF FF FF FF FF FF FF 10", Description = "bit 64 set")]
    [TestCase("F0 80 80 80 80 80 80 80 80 80 00", Description = "eleven bytes")]
    [TestCase("FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF", Description = "no end in sight")]
    public void MoreThan64Bits_IsRefused(string hex)
    {
        Assert.That(SpopVarint.TryRead(Hex.Bytes(hex), out var value, out var size), Is.EqualTo(SpopReadResult.VarintTooLarge));
        Assert.That((value, size), Is.EqualTo((0ul, 0)));
    }

    [FsCheck.NUnit.Property(MaxTest = 1000)]
    public bool AnyValue_RoundTripsAndMatchesHAProxy(ulong seed, byte shift)
    {
        var value = seed * 0x9E37_79B9_7F4A_7C15 >> (shift % 64);
        var expected = SpopBytes.Varint(value);
        var written = new byte[SpopVarint.MaxSize];
        return written.AsSpan(0, SpopVarint.Write(written, value)).SequenceEqual(expected)
            && SpopVarint.SizeOf(value) == expected.Length
            && SpopVarint.TryRead(expected, out var read, out var size) == SpopReadResult.Success
            && (read, size) == (value, expected.Length);
    }

    [FsCheck.NUnit.Property(MaxTest = 1000)]
    public bool AnyBytes_ReadAsTheOnlyFormOfTheirValue(byte[] bytes, bool large)
    {
        var source = large ? [.. bytes.Select(b => (byte)(b | 0xF0))] : bytes;
        return SpopVarint.TryRead(source, out var value, out var size) != SpopReadResult.Success
            || SpopBytes.Varint(value).AsSpan().SequenceEqual(source.AsSpan(0, size));
    }
}
