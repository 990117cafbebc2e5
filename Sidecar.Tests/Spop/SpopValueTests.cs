using System.Net;
using NUnit.Framework;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Spop;

public sealed class SpopValueTests
{
    private static readonly object?[][] Golden =
    [
        ["00", null],
        ["11", true],
        ["01", false],
        ["F1", true],
        ["E1", false],
        ["02 2A", 42],
        ["02 FF F0 FE FE FE FE FE FE FE 0E", -1],
        ["03 FF F0 FE FE 7E", uint.MaxValue],
        ["04 2A", 42L],
        ["04 FF F0 FE FE FE FE FE FE FE 0E", -1L],
        ["05 F0 00", 240UL],
        ["06 7F000001", IPAddress.Parse("127.0.0.1")],
        ["07 00000000000000000000000000000001", IPAddress.Parse("::1")],
        ["08 05 'hello'", "hello"],
        ["08 00", ""],
        ["F8 01 'x'", "x"],
        ["09 03 00FF80", new byte[] { 0, 255, 128 }],
    ];

    [TestCaseSource(nameof(Golden))]
    public void Golden_IsRead(string hex, object? expected)
    {
        var reader = new SpopReader([.. Hex.Bytes(hex), 0x77]);
        Assert.That(reader.TryReadValue(out var value), Is.True);
        Assert.That(Read.Value(value), Is.EqualTo(expected));
        Assert.That(value.IsNull, Is.EqualTo(expected is null));
        Assert.That(value.EncodedSize, Is.EqualTo(Hex.Bytes(hex).Length));
        Assert.That(reader.TryReadByte(out var next) && next == 0x77 && reader.End, Is.True);
    }

    [TestCaseSource(nameof(Golden))]
    public void EveryTruncation_IsRefusedWithoutMoving(string hex, object? expected)
    {
        var whole = Hex.Bytes(hex);
        for (var size = 0; size < whole.Length; size++)
        {
            var reader = new SpopReader(whole.AsSpan(0, size));
            Assert.That(reader.TryReadValue(out var value), Is.False, $"{size} bytes of {expected}");
            Assert.That(reader.Position, Is.Zero);
            Assert.That(value.IsNull, Is.True);
            Assert.That(reader.Failure, Is.EqualTo(SpopReadResult.Truncated).Or.EqualTo(SpopReadResult.LengthBeyondEnd));
            Assert.That(reader.Error("a value").Status, Is.EqualTo(SpopStatus.InvalidFrame));
        }
    }

    [TestCase("0A", SpopReadResult.UnknownDataType)]
    [TestCase("0F 01 02", SpopReadResult.UnknownDataType)]
    [TestCase("02 F0 F1 FE FE 3E", SpopReadResult.OutOfRange, Description = "INT32 of 2^31")]
    [TestCase("02 FF F0 FE FE BE FE FE FE FE 0E", SpopReadResult.OutOfRange, Description = "INT32 of -2^31-1")]
    [TestCase("03 F0 F1 FE FE 7E", SpopReadResult.OutOfRange, Description = "UINT32 of 2^32")]
    [TestCase("05 F0 80 80 80 80 80 80 80 80 80 00", SpopReadResult.VarintTooLarge)]
    [TestCase("08 FF F0 FE FE FE FE FE FE FE 0E 'x'", SpopReadResult.LengthBeyondEnd, Description = "a string of 2^64-1 bytes")]
    [TestCase("09 F0 F1 FE FE 3E 'x'", SpopReadResult.LengthBeyondEnd, Description = "a binary of 2 GiB")]
    [TestCase("08 02 'x'", SpopReadResult.LengthBeyondEnd)]
    public void HostileValue_IsRefusedByName(string hex, SpopReadResult expected)
    {
        var reader = new SpopReader(Hex.Bytes(hex));
        Assert.That(reader.TryReadValue(out _), Is.False);
        Assert.That((reader.Failure, reader.Position), Is.EqualTo((expected, 0)));
    }

    [Test]
    public void WrongGetter_GivesNothing()
    {
        Assert.That(SpopValue.String("1"u8).TryGetInt64(out _), Is.False);
        Assert.That(SpopValue.Boolean(true).TryGetInt64(out _), Is.False);
        Assert.That(SpopValue.UInt64(ulong.MaxValue).TryGetInt64(out var number), Is.False);
        Assert.That(number, Is.Zero);
        Assert.That(SpopValue.Int64(-1).TryGetUInt64(out var unsigned), Is.False);
        Assert.That(unsigned, Is.Zero);
        Assert.That(SpopValue.Int32(7).TryGetUInt64(out unsigned) && unsigned == 7, Is.True);
        Assert.That(SpopValue.Null.TryGetUInt64(out _), Is.False);
        Assert.That(SpopValue.UInt32(1).TryGetBoolean(out var flag), Is.False);
        Assert.That(flag, Is.False);
        Assert.Throws<ArgumentException>(() => _ = SpopValue.Address([1, 2, 3]));
    }

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public void AnyValue_ReadsWhatHAProxyWrote(int i, uint u, long l, ulong m, string? text, byte[] binary, bool flag)
    {
        object?[] values = [i, -i, u, l, ~l, m, ~m, text?.Replace('\uD800', ' '), binary, flag, null];
        byte[] payload = [.. values.SelectMany(SpopBytes.Value)];
        var reader = new SpopReader(payload);
        foreach (var expected in values)
        {
            Assert.That(reader.TryReadValue(out var value), Is.True);
            Assert.That(SpopBytes.Value(Read.Value(value)), Is.EqualTo(SpopBytes.Value(expected)));
        }

        Assert.That(reader.End, Is.True);
    }
}
