using System.Buffers;
using System.Text;
using NUnit.Framework;
using Sidecar.Protocol.MessagePack;

namespace Sidecar.Tests.MessagePack;

[TestFixture]
internal sealed class MessagePackWriterTests
{
    /// <summary>Named, because a test's name cannot hold an unpaired surrogate.</summary>
    public enum Alphabet
    {
        Ascii,
        TwoBytes,
        ThreeBytes,
        Pairs,
        Unpaired,
        Mixed,
    }

    private static readonly Dictionary<Alphabet, string> Letters = new()
    {
        [Alphabet.Ascii] = "a",
        [Alphabet.TwoBytes] = "é",
        [Alphabet.ThreeBytes] = "€",
        [Alphabet.Pairs] = "\U0001F37A",
        [Alphabet.Unpaired] = "\uD83C",
        [Alphabet.Mixed] = "a\uDF7A€",
    };

    [TestCase(0L, "00")]
    [TestCase(127L, "7F")]
    [TestCase(128L, "CC80")]
    [TestCase(255L, "CCFF")]
    [TestCase(256L, "CD0100")]
    [TestCase(65535L, "CDFFFF")]
    [TestCase(65536L, "CE00010000")]
    [TestCase(4294967295L, "CEFFFFFFFF")]
    [TestCase(4294967296L, "CF0000000100000000")]
    [TestCase(long.MaxValue, "CF7FFFFFFFFFFFFFFF")]
    [TestCase(-1L, "FF")]
    [TestCase(-32L, "E0")]
    [TestCase(-33L, "D0DF")]
    [TestCase(-128L, "D080")]
    [TestCase(-129L, "D1FF7F")]
    [TestCase(-32768L, "D18000")]
    [TestCase(-32769L, "D2FFFF7FFF")]
    [TestCase(-2147483648L, "D280000000")]
    [TestCase(-2147483649L, "D3FFFFFFFF7FFFFFFF")]
    [TestCase(long.MinValue, "D38000000000000000")]
    public void Integer_Written_TakesTheNarrowestForm(long value, string hex)
    {
        AssertWritten(hex, (ref MessagePackWriter w) => w.Write(value));
        if (value >= 0)
        {
            AssertWritten(hex, (ref MessagePackWriter w) => w.Write((ulong)value));
        }

        if (value is >= int.MinValue and <= int.MaxValue)
        {
            AssertWritten(hex, (ref MessagePackWriter w) => w.Write((int)value));
        }

        if (value is >= 0 and <= uint.MaxValue)
        {
            AssertWritten(hex, (ref MessagePackWriter w) => w.Write((uint)value));
        }
    }

    [TestCase(15, "9F", "8F")]
    [TestCase(16, "DC0010", "DE0010")]
    [TestCase(65535, "DCFFFF", "DEFFFF")]
    [TestCase(65536, "DD00010000", "DF00010000")]
    [TestCase(int.MaxValue, "DD7FFFFFFF", "DF7FFFFFFF")]
    public void ContainerHeader_Written_TakesTheNarrowestForm(int count, string array, string map)
    {
        AssertWritten(array, (ref MessagePackWriter w) => w.WriteArrayHeader(count));
        AssertWritten(map, (ref MessagePackWriter w) => w.WriteMapHeader(count));
    }

    [Test]
    public void ContainerHeader_NegativeCount_IsTheCallersError()
    {
        Assert.That(() => MessagePackBytes.Write((ref MessagePackWriter w) => w.WriteArrayHeader(-1)), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => MessagePackBytes.Write((ref MessagePackWriter w) => w.WriteMapHeader(-1)), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Floats_Written_KeepTheirWidth()
    {
        AssertWritten("CA3F000000", (ref MessagePackWriter w) => w.Write(0.5f));
        AssertWritten("CB3FE0000000000000", (ref MessagePackWriter w) => w.Write(0.5));
        AssertWritten("CB3FF0000000000000", (ref MessagePackWriter w) => w.Write(1.0));
    }

    [TestCase(0, "C400", "C70005")]
    [TestCase(1, "C401", "D405")]
    [TestCase(3, "C403", "C70305")]
    [TestCase(16, "C410", "D805")]
    [TestCase(17, "C411", "C71105")]
    [TestCase(255, "C4FF", "C7FF05")]
    [TestCase(256, "C50100", "C8010005")]
    [TestCase(65535, "C5FFFF", "C8FFFF05")]
    [TestCase(65536, "C600010000", "C90001000005")]
    public void Payload_Written_TakesTheShortestHeader(int length, string binary, string extension)
    {
        byte[] payload = [.. Enumerable.Range(0, length).Select(i => (byte)i)];
        string content = Convert.ToHexString(payload);

        AssertWritten(binary + content, (ref MessagePackWriter w) => w.WriteBinary(payload));
        AssertWritten(extension + content, (ref MessagePackWriter w) => w.WriteExtension(5, payload));
    }

    [Test]
    public void Text_OfAnyLengthAndAlphabet_IsItsUtf8BehindTheShortestHeader(
        [Values(0, 1, 10, 11, 15, 16, 31, 32, 85, 86, 127, 128, 255, 256, 257, 1365, 1366, 4096, 4097, 21846, 65535, 65536)] int length,
        [Values] Alphabet alphabet)
    {
        string letters = Letters[alphabet];
        string text = string.Concat(Enumerable.Repeat(letters, (length / letters.Length) + 1))[..length];
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        byte[] header = utf8.Length switch
        {
            <= 31 => [(byte)(0xA0 + utf8.Length)],
            <= 255 => [0xD9, (byte)utf8.Length],
            <= 65535 => [0xDA, (byte)(utf8.Length >> 8), (byte)utf8.Length],
            _ => [0xDB, 0, (byte)(utf8.Length >> 16), (byte)(utf8.Length >> 8), (byte)utf8.Length],
        };

        byte[] fromChars = MessagePackBytes.Write((ref MessagePackWriter w) => w.WriteString(text));
        byte[] fromBytes = MessagePackBytes.Write((ref MessagePackWriter w) => w.WriteStringUtf8(utf8));

        Assert.That(fromChars.AsSpan().SequenceEqual([.. header, .. utf8]), Is.True);
        Assert.That(fromBytes.AsSpan().SequenceEqual(fromChars), Is.True);
        Assert.That(new MessagePackReader(fromChars).ReadString(), Is.EqualTo(Encoding.UTF8.GetString(utf8)));
    }

    [Test]
    public void Text_WithUnpairedSurrogates_IsWrittenWithReplacements()
    {
        AssertWritten("A5" + "61EFBFBD62", (ref MessagePackWriter w) => w.WriteString("a\uD83Cb"));
        AssertWritten("A6" + "EFBFBDEFBFBD", (ref MessagePackWriter w) => w.WriteString("\uDF7A\uD83C"));
        AssertWritten("A4" + "F09F8DBA", (ref MessagePackWriter w) => w.WriteString("\uD83C\uDF7A"));
    }

    [Test]
    public void Output_InSpansOfExactlyWhatWasAsked_HoldsTheSameBytes()
    {
        MessagePackBytes.WriteValue many = (ref MessagePackWriter w) =>
        {
            w.WriteArrayHeader(400);
            for (int i = 0; i < 100; i++)
            {
                w.Write(i * 1_000_003L);
                w.WriteString(new string('ü', i * 7));
                w.WriteBinary(new byte[i * 11]);
                w.WriteExtension(1, new byte[i]);
            }
        };
        var exact = new ExactBufferWriter();

        MessagePackBytes.WriteTo(exact, many);

        byte[] whole = MessagePackBytes.Write(many);
        Assert.That(exact.Written.AsSpan().SequenceEqual(whole), Is.True);
        Assert.That(MessagePackBytes.Read(whole, (ref MessagePackReader r) => r.Skip()), Is.EqualTo(whole.Length));
    }

    [Test]
    public void Flush_BetweenValues_KeepsTheirOrder()
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.Write(1);
        Assert.That(buffer.WrittenCount, Is.Zero, "values collect until flushed");

        writer.Flush();
        writer.Flush();
        writer.WriteRaw([0x91, 0x02]);
        writer.Flush();

        Assert.That(buffer.WrittenSpan.ToArray(), Is.EqualTo(new byte[] { 0x01, 0x91, 0x02 }));
    }

    private static void AssertWritten(string hex, MessagePackBytes.WriteValue write) =>
        Assert.That(Convert.ToHexString(MessagePackBytes.Write(write)), Is.EqualTo(hex));

    /// <summary>Gives no byte more than asked for, and dirty ones, as a reused buffer would.</summary>
    private sealed class ExactBufferWriter : IBufferWriter<byte>
    {
        private readonly List<byte> _written = [];
        private byte[] _current = [];

        public byte[] Written => [.. _written];

        public void Advance(int count) => _written.AddRange(_current[..count]);

        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            _current = new byte[Math.Max(sizeHint, 1)];
            Array.Fill(_current, (byte)0xC1);
            return _current;
        }

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}
