using System.Globalization;
using System.Numerics;
using NUnit.Framework;
using Sidecar.Protocol.MessagePack;

namespace Sidecar.Tests.MessagePack;

/// <summary>Every value of the public suite in every listed encoding.</summary>
[TestFixture]
internal sealed class MessagePackSuiteTests
{
    [Test]
    public void Suite_Loaded_HoldsEveryValue() => Assert.That(MessagePackSuite.Load(), Has.Count.EqualTo(MessagePackSuite.Count));

    [TestCaseSource(typeof(MessagePackSuite), nameof(MessagePackSuite.Cases))]
    public void Encoding_ReadAsItsValue_GivesTheValueAndTakesAllBytes(MessagePackSuite entry)
    {
        foreach (byte[] encoding in entry.Encodings)
        {
            var reader = new MessagePackReader(encoding);
            if (entry.ToNumber() is { } number)
            {
                AssertNumber(ref reader, encoding, number);
            }
            else if (entry.ToTimestamp() is { } timestamp)
            {
                Assert.That(reader.ReadTimestamp(), Is.EqualTo(timestamp));
            }
            else
            {
                Assert.That(MessagePackNode.Read(ref reader).ToString(), Is.EqualTo(entry.ToNode()!.ToString()));
            }

            Assert.That(reader.End, Is.True, "every byte belongs to the value");
        }
    }

    [TestCaseSource(typeof(MessagePackSuite), nameof(MessagePackSuite.Cases))]
    public void Encoding_Skipped_TakesAllBytesAndNoMore(MessagePackSuite entry)
    {
        foreach (byte[] encoding in entry.Encodings)
        {
            byte[] followed = [.. encoding, MessagePackCode.Nil];
            var reader = new MessagePackReader(followed);

            Assert.That(reader.ReadRaw().ToArray(), Is.EqualTo(encoding));
            Assert.That(reader.TryReadNil(), Is.True);
            Assert.That(reader.End, Is.True);
        }
    }

    [TestCaseSource(typeof(MessagePackSuite), nameof(MessagePackSuite.Cases))]
    public void Value_Written_IsAListedEncodingOfTheShortestLength(MessagePackSuite entry)
    {

        byte[] written = MessagePackBytes.Write((ref MessagePackWriter writer) => WriteValue(entry, ref writer));

        byte[] listed = entry.Encodings.FirstOrDefault(encoding => encoding.AsSpan().SequenceEqual(written)) ?? [];
        Assert.That(listed, Is.EqualTo(written), "listed in the suite");
        IEnumerable<int> lengths = entry.Encodings
            .Where(encoding => MessagePackCode.ToKind(encoding[0]) == MessagePackCode.ToKind(written[0]) && !IsSingle(encoding))
            .Select(encoding => encoding.Length);
        Assert.That(written, Has.Length.EqualTo(lengths.Min()), "no shorter form");
    }

    [TestCaseSource(typeof(MessagePackSuite), nameof(MessagePackSuite.Cases))]
    public void Encoding_CutAnywhere_IsTruncatedForEveryReader(MessagePackSuite entry)
    {
        foreach (byte[] encoding in entry.Encodings)
        {
            for (int length = 0; length < encoding.Length; length++)
            {
                byte[] cut = encoding[..length];

                MessagePackFormatException skipped = MessagePackBytes.ReadError(cut, (ref MessagePackReader reader) => reader.Skip());
                Assert.That(skipped.Offset, Is.InRange(0, length));
                MessagePackBytes.ReadError(cut, (ref MessagePackReader reader) => ReadValue(entry, ref reader));
            }
        }
    }

    private static void AssertNumber(ref MessagePackReader reader, byte[] encoding, string number)
    {
        MessagePackReader asDouble = reader;
        Assert.That(asDouble.ReadDouble(), Is.EqualTo(double.Parse(number, CultureInfo.InvariantCulture)));
        Assert.That(asDouble.End, Is.True);
        MessagePackReader asSingle = reader;
        Assert.That(asSingle.ReadSingle(), Is.EqualTo(float.Parse(number, CultureInfo.InvariantCulture)));

        if (MessagePackCode.ToKind(encoding[0]) == MessagePackKind.Float)
        {
            reader = asDouble;
            return;
        }

        Assert.That(MessagePackNode.Read(ref reader).Value, Is.EqualTo(BigInteger.Parse(number, CultureInfo.InvariantCulture)));
    }

    private static void WriteValue(MessagePackSuite entry, ref MessagePackWriter writer)
    {
        if (entry.ToTimestamp() is { } timestamp)
        {
            writer.WriteTimestamp(timestamp);
        }
        else if (entry.ToNumber() is not { } number)
        {
            entry.ToNode()!.Write(ref writer);
        }
        else if (BigInteger.TryParse(number, CultureInfo.InvariantCulture, out BigInteger integer))
        {
            MessagePackNode.Integer(integer).Write(ref writer);
        }
        else
        {
            writer.Write(double.Parse(number, CultureInfo.InvariantCulture));
        }
    }

    private static void ReadValue(MessagePackSuite entry, ref MessagePackReader reader)
    {
        if (entry.ToTimestamp() is not null)
        {
            reader.ReadTimestamp();
        }
        else if (entry.ToNumber() is not null)
        {
            reader.ReadDouble();
        }
        else
        {
            MessagePackNode.Read(ref reader);
        }
    }

    /// <summary>A double is written as one, even where a float of 32 bits would hold it.</summary>
    private static bool IsSingle(byte[] encoding) => encoding[0] == MessagePackCode.Float32;
}
