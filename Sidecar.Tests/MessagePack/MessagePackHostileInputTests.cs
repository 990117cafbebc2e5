using NUnit.Framework;
using Sidecar.Protocol.MessagePack;

namespace Sidecar.Tests.MessagePack;

/// <summary>What a peer can claim or nest to make a naive decoder allocate, overflow or recurse without end.</summary>
[TestFixture]
internal sealed class MessagePackHostileInputTests
{
    private static readonly byte[] ThreeLeft = [0x01, 0x02, 0x03];

    [Test]
    public void Array32ClaimsAllOfUInt32_ThreeBytesLeft_IsRefusedWithItsNumbers()
    {
        byte[] message = [0xDD, 0xFF, 0xFF, 0xFF, 0xFF, .. ThreeLeft];

        AssertRefused(message, (ref MessagePackReader r) => r.ReadArrayHeader(), 0xDD, "4294967295 elements", "at least 4294967295 bytes", "3 are left");
        AssertRefused(message, (ref MessagePackReader r) => r.Skip(), 0xDD, "4294967295 elements", "3 are left");
    }

    [Test]
    public void Map32ClaimsAllOfUInt32_ThreeBytesLeft_IsRefusedIn64Bits()
    {
        byte[] message = [0xDF, 0xFF, 0xFF, 0xFF, 0xFF, .. ThreeLeft];

        AssertRefused(message, (ref MessagePackReader r) => r.ReadMapHeader(), 0xDF, "4294967295 pairs", "at least 8589934590 bytes", "3 are left");
        AssertRefused(message, (ref MessagePackReader r) => r.Skip(), 0xDF, "4294967295 pairs", "3 are left");
    }

    [Test]
    public void Map32ClaimsTwoToThe31Pairs_WhoseDoubleIsZeroIn32Bits_IsRefused()
    {
        byte[] message = [0xDF, 0x80, 0x00, 0x00, 0x00, .. ThreeLeft];

        AssertRefused(message, (ref MessagePackReader r) => r.ReadMapHeader(), 0xDF, "2147483648 pairs");
        AssertRefused(message, (ref MessagePackReader r) => r.Skip(), 0xDF, "2147483648 pairs");
    }

    [TestCase(0x93, new byte[] { 1, 2, 3 }, true)]
    [TestCase(0x94, new byte[] { 1, 2, 3 }, false)]
    [TestCase(0x81, new byte[] { 1, 2, 3 }, true)]
    [TestCase(0x82, new byte[] { 1, 2, 3 }, false)]
    public void Claim_AgainstBytesLeft_IsRefusedFromOneTooMany(int header, byte[] left, bool holds)
    {
        byte[] message = [(byte)header, .. left];
        MessagePackBytes.ReadValue read = header >= 0x90
            ? (ref MessagePackReader r) => r.ReadArrayHeader()
            : (ref MessagePackReader r) => r.ReadMapHeader();

        Assert.That(() => MessagePackBytes.Read(message, read), holds ? Is.EqualTo(1) : Throws.TypeOf<MessagePackFormatException>());
    }

    [TestCase(0xDB, "str")]
    [TestCase(0xC6, "bin")]
    public void Payload32ClaimsAllOfUInt32_ThreeBytesLeft_IsTruncated(int code, string name)
    {
        byte[] message = [(byte)code, 0xFF, 0xFF, 0xFF, 0xFF, .. ThreeLeft];

        AssertRefused(message, (ref MessagePackReader r) => r.ReadStringOrBinarySpan(), (byte)code, "Truncated " + name, "4294967300 bytes", "8 are left");
        AssertRefused(message, (ref MessagePackReader r) => r.Skip(), (byte)code, "Truncated " + name, "4294967300 bytes", "8 are left");
    }

    [TestCase(0xDB)]
    [TestCase(0xC6)]
    public void Payload32ClaimsANegativeInt32_IsTruncatedNotNegative(int code)
    {
        byte[] message = [(byte)code, 0x80, 0x00, 0x00, 0x00, .. ThreeLeft];

        AssertRefused(message, (ref MessagePackReader r) => r.ReadStringOrBinarySpan(), (byte)code, "2147483653 bytes");
        AssertRefused(message, (ref MessagePackReader r) => r.Skip(), (byte)code, "2147483653 bytes");
    }

    [Test]
    public void Ext32ClaimsAllOfUInt32_ThreeBytesLeft_IsTruncated()
    {
        byte[] message = [0xC9, 0xFF, 0xFF, 0xFF, 0xFF, 0x05, .. ThreeLeft];

        AssertRefused(message, (ref MessagePackReader r) => r.ReadExtension(out _), 0xC9, "4294967301 bytes", "9 are left");
        AssertRefused(message, (ref MessagePackReader r) => r.ReadTimestamp(), 0xC9, "4294967301 bytes", "9 are left");
        AssertRefused(message, (ref MessagePackReader r) => r.Skip(), 0xC9, "4294967301 bytes", "9 are left");
    }

    [Test]
    public void ClaimInsideAContainer_Skipped_IsRefusedAtItsOwnOffset()
    {
        byte[] message = [0x82, 0x01, 0x02, 0xA1, 0x61, 0xDC, 0x00, 0x09, .. ThreeLeft];

        MessagePackFormatException error = MessagePackBytes.ReadError(message, (ref MessagePackReader r) => r.Skip());

        Assert.That(error.Offset, Is.EqualTo(5));
        Assert.That(error.Code, Is.EqualTo(0xDC));
    }

    [TestCase((byte)0x91, 1)]
    [TestCase((byte)0x91, 64)]
    [TestCase((byte)0x91, 1024)]
    [TestCase((byte)0x81, 1)]
    [TestCase((byte)0x81, 64)]
    public void Nesting_AtTheLimit_IsReadAndOneMoreIsRefused(byte header, int limit)
    {
        byte[] atLimit = Nested(header, limit);
        byte[] beyond = Nested(header, limit + 1);

        Assert.That(MessagePackBytes.Read(atLimit, (ref MessagePackReader r) => r.Skip(), limit), Is.EqualTo(atLimit.Length));
        Assert.That(MessagePackBytes.Read(atLimit, (ref MessagePackReader r) => MessagePackNode.Read(ref r), limit), Is.EqualTo(atLimit.Length));
        MessagePackFormatException skipped = MessagePackBytes.ReadError(beyond, (ref MessagePackReader r) => r.Skip(), limit);
        MessagePackFormatException read = MessagePackBytes.ReadError(beyond, (ref MessagePackReader r) => MessagePackNode.Read(ref r), limit);
        Assert.That(skipped.Message, Does.Contain($"limit of {limit}"));
        Assert.That(skipped.Message, Is.EqualTo(read.Message));
        Assert.That(skipped.Offset, Is.EqualTo(read.Offset));
    }

    [Test]
    public void Nesting_OfEmptyContainers_CountsTheInnermostToo()
    {
        byte[] message = [0x91, 0x91, 0x90];

        Assert.That(MessagePackBytes.Read(message, (ref MessagePackReader r) => r.Skip(), 3), Is.EqualTo(3));
        Assert.That(MessagePackBytes.ReadError(message, (ref MessagePackReader r) => r.Skip(), 2).Message, Does.Contain("limit of 2"));
    }

    [Test]
    public void Skip_InsideEnteredContainers_HasOnlyTheLevelsLeft()
    {
        byte[] message = [0x91, 0x91, 0x90];
        MessagePackBytes.ReadValue enterThenSkip = (ref MessagePackReader r) =>
        {
            r.ReadArrayHeader();
            r.EnterContainer();
            r.Skip();
        };

        Assert.That(MessagePackBytes.Read(message, enterThenSkip, 3), Is.EqualTo(3));
        MessagePackBytes.ReadError(message, enterThenSkip, 2);
    }

    [Test]
    public void Nesting_OfAMillionArrays_IsRefusedWithoutRecursion()
    {
        byte[] message = Nested(0x91, 1_000_000);

        MessagePackFormatException error = MessagePackBytes.ReadError(message, (ref MessagePackReader r) => r.Skip());

        Assert.That(error.Offset, Is.EqualTo(MessagePackReader.DefaultMaxDepth + 1));
    }

    [Test]
    public void NeverUsedCode_ReadOrSkipped_IsNamed()
    {
        AssertRefused([0xC1], (ref MessagePackReader r) => r.Skip(), 0xC1, "never uses");
        AssertRefused([0xC1], (ref MessagePackReader r) => r.ReadString(), 0xC1, "never uses");
    }

    private static byte[] Nested(byte header, int depth)
    {
        byte[] level = header == 0x91 ? [header] : [header, 0xC0];
        return [.. Enumerable.Repeat(level, depth).SelectMany(bytes => bytes), 0xC0];
    }

    private static void AssertRefused(byte[] message, MessagePackBytes.ReadValue read, byte code, params string[] parts)
    {
        MessagePackFormatException error = MessagePackBytes.ReadError(message, read);
        Assert.That(error.Code, Is.EqualTo(code));
        Assert.That(error.Offset, Is.Zero);
        foreach (string part in parts)
        {
            Assert.That(error.Message, Does.Contain(part));
        }
    }
}
