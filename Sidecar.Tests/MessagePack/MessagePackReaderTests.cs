using System.Buffers;
using System.Text;
using NUnit.Framework;
using Sidecar.Protocol.MessagePack;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.MessagePack;

[TestFixture]
internal sealed class MessagePackReaderTests
{
    [TestCase(0)]
    [TestCase(MessagePackReader.MaxMaxDepth + 1)]
    public void DepthLimit_OutOfRange_IsTheCallersError(int limit) =>
        Assert.That(() => MessagePackBytes.Read([0xC0], (ref MessagePackReader r) => r.Skip(), limit), Throws.TypeOf<ArgumentOutOfRangeException>());

    [Test]
    public void LeaveContainer_WithoutEnter_IsTheCallersError() =>
        Assert.That(() => MessagePackBytes.Read([], (ref MessagePackReader r) => r.LeaveContainer()), Throws.TypeOf<InvalidOperationException>());

    [Test]
    public void EmptyMessage_AnyRead_SaysThatTheMessageEnds()
    {
        MessagePackBytes.ReadValue[] reads =
        [
            (ref MessagePackReader r) => _ = r.NextKind,
            (ref MessagePackReader r) => r.ReadNil(),
            (ref MessagePackReader r) => r.ReadUInt16(),
            (ref MessagePackReader r) => r.ReadSingle(),
            (ref MessagePackReader r) => r.ReadString(),
            (ref MessagePackReader r) => r.ReadStringOrBinarySpan(),
            (ref MessagePackReader r) => r.ReadMapHeader(),
            (ref MessagePackReader r) => r.ReadTimestamp(),
            (ref MessagePackReader r) => r.Skip(),
        ];
        foreach (MessagePackBytes.ReadValue read in reads)
        {
            MessagePackFormatException error = MessagePackBytes.ReadError([], read);
            Assert.That(error.Message, Does.Contain("ends after 0 bytes"));
            Assert.That(error.Code, Is.Null);
        }

        Assert.That(MessagePackBytes.Read([], (ref MessagePackReader r) => r.TryReadNil()), Is.Zero);
    }

    [Test]
    public void FailedRead_LeavesThePositionWhereItWas()
    {
        byte[] message = [0xC0, 0x92, 0x01, 0xC1, 0xA2, 0xFF, 0xFF];
        var reader = new MessagePackReader(message);
        reader.ReadNil();

        int position = -1;
        try
        {
            reader.Skip();
        }
        catch (MessagePackFormatException error)
        {
            position = error.Offset;
        }

        Assert.That(position, Is.EqualTo(3), "the offset is that of the code inside");
        Assert.That(reader.Position, Is.EqualTo(1));
        Assert.That(reader.ReadArrayHeader(), Is.EqualTo(2));
        Assert.That(reader.Remaining, Is.EqualTo(5));
    }

    [Test]
    public void String_RefusedAsText_CanStillBeReadAsBytes()
    {
        byte[] message = [0xA1, 0xFF];
        var reader = new MessagePackReader(message);
        string? text = null;
        try
        {
            text = reader.ReadString();
        }
        catch (MessagePackFormatException error)
        {
            Assert.That(error.Offset, Is.Zero);
        }

        Assert.That(text, Is.Null);
        Assert.That(reader.ReadStringSpan().ToArray(), Is.EqualTo(new byte[] { 0xFF }));
    }

    [TestCase(new byte[] { 0xCD, 0x01, 0x00 }, "0 to 255", "256")]
    [TestCase(new byte[] { 0xFF }, "0 to 255", "-1")]
    [TestCase(new byte[] { 0xCF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF }, "0 to 255", "18446744073709551615")]
    public void Integer_BeyondItsType_NamesTheValueAndTheRange(byte[] message, string range, string seen)
    {
        MessagePackFormatException error = MessagePackBytes.ReadError(message, (ref MessagePackReader r) => r.ReadByte());

        Assert.That(error.Message, Does.Contain(range).And.Contain($"is {seen}"));
    }

    [Test]
    public void Integer_AllOnesIn64Bits_IsMinusOneOrTheLargestByItsCode()
    {
        byte[] ones = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
        byte[] signed = [0xD3, .. ones];
        byte[] unsigned = [0xCF, .. ones];

        Assert.That(new MessagePackReader(signed).ReadInt64(), Is.EqualTo(-1));
        Assert.That(new MessagePackReader(signed).ReadSByte(), Is.EqualTo(-1));
        Assert.That(new MessagePackReader(signed).ReadDouble(), Is.EqualTo(-1.0));
        Assert.That(new MessagePackReader(unsigned).ReadUInt64(), Is.EqualTo(ulong.MaxValue));
        Assert.That(new MessagePackReader(unsigned).ReadDouble(), Is.EqualTo((double)ulong.MaxValue));
        MessagePackBytes.ReadError(signed, (ref MessagePackReader r) => r.ReadUInt64());
        MessagePackBytes.ReadError(unsigned, (ref MessagePackReader r) => r.ReadInt64());
        MessagePackBytes.ReadError(unsigned, (ref MessagePackReader r) => r.ReadSByte());
    }

    [Test]
    public void Single_FiniteDoubleBeyondItsRange_IsRefusedButInfinityIsAValue()
    {
        byte[] tooLarge = MessagePackBytes.Write((ref MessagePackWriter w) => w.Write(1e300));
        byte[] infinity = MessagePackBytes.Write((ref MessagePackWriter w) => w.Write(double.NegativeInfinity));
        byte[] undefined = MessagePackBytes.Write((ref MessagePackWriter w) => w.Write(float.NaN));

        Assert.That(MessagePackBytes.ReadError(tooLarge, (ref MessagePackReader r) => r.ReadSingle()).Message, Does.Contain("1E+300"));
        Assert.That(new MessagePackReader(infinity).ReadSingle(), Is.EqualTo(float.NegativeInfinity));
        Assert.That(new MessagePackReader(undefined).ReadDouble(), Is.NaN);
    }

    [TestCase(new byte[] { 0xA1, 0xFF }, TestName = "String_LoneByte_IsNotUtf8")]
    [TestCase(new byte[] { 0xA2, 0xC0, 0x80 }, TestName = "String_OverlongZero_IsNotUtf8")]
    [TestCase(new byte[] { 0xA3, 0xED, 0xA0, 0x80 }, TestName = "String_EncodedSurrogate_IsNotUtf8")]
    public void String_InvalidUtf8_IsRefusedAsTextAndGivenAsBytes(byte[] message)
    {
        MessagePackFormatException error = MessagePackBytes.ReadError(message, (ref MessagePackReader r) => r.ReadString());

        Assert.That(error.Message, Does.Contain("not valid UTF-8"));
        Assert.That(new MessagePackReader(message).ReadStringSpan().ToArray(), Is.EqualTo(message[1..]));
    }

    [Test]
    public void ReadRaw_OfANestedValue_GivesItsBytesToBeReadAgain()
    {
        byte[] message = [0x93, 0x01, 0x82, 0xA1, 0x61, 0x92, 0x02, 0xC0, 0xA1, 0x62, 0xC4, 0x01, 0xFF, 0xC3];
        var reader = new MessagePackReader(message);
        reader.ReadArrayHeader();
        reader.Skip();

        ReadOnlySpan<byte> raw = reader.ReadRaw();

        Assert.That(raw.ToArray(), Is.EqualTo(message[2..13]));
        Assert.That(reader.ReadBoolean(), Is.True);
        Assert.That(MessagePackNode.Read(raw).Children, Has.Length.EqualTo(4));
    }

    [Test]
    public void SpecExample_BlockDecision_ReadsWithKeysAsSpans()
    {
        byte[] message = Convert.FromHexString("81A5626C6F636B93CD0193A26E6FC0");
        var reader = new MessagePackReader(message);

        Assert.That(reader.ReadMapHeader(), Is.EqualTo(1));
        reader.EnterContainer();
        Assert.That(reader.ReadStringSpan().SequenceEqual("block"u8), Is.True);
        Assert.That(reader.ReadArrayHeader(), Is.EqualTo(3));
        Assert.That(reader.ReadUInt16(), Is.EqualTo(403));
        Assert.That(reader.ReadString(), Is.EqualTo("no"));
        Assert.That(reader.TryReadNil(), Is.True);
        reader.LeaveContainer();
        Assert.That(reader.Depth, Is.Zero);
        Assert.That(reader.End, Is.True);
    }

    [Test]
    public void ReadingAndWriting_InSteadyState_AllocateNothing()
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        int last = 0;

        Assert.That(Allocations.Of(100, () => last = RoundTrip(buffer)), Is.Zero);
        Assert.That(last, Is.EqualTo(Encoding.UTF8.GetByteCount("abgelehnt für heute")));
    }

    private static int RoundTrip(ArrayBufferWriter<byte> buffer)
    {
        buffer.ResetWrittenCount();
        var writer = new MessagePackWriter(buffer);
        writer.WriteMapHeader(3);
        writer.WriteStringUtf8("status"u8);
        writer.Write(403);
        writer.WriteStringUtf8("reason"u8);
        writer.WriteString("abgelehnt für heute");
        writer.WriteStringUtf8("details"u8);
        writer.WriteArrayHeader(2);
        writer.Write(0.5f);
        writer.WriteTimestamp(new MessagePackTimestamp(1, 2));
        writer.Flush();

        var reader = new MessagePackReader(buffer.WrittenSpan);
        int found = 0;
        for (int pairs = reader.ReadMapHeader(); pairs > 0; pairs--)
        {
            if (reader.ReadStringSpan().SequenceEqual("reason"u8))
            {
                found += reader.ReadStringSpan().Length;
            }
            else
            {
                reader.Skip();
            }
        }

        return found;
    }
}
