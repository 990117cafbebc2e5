using System.Globalization;
using NUnit.Framework;
using Sidecar.Protocol.MessagePack;

namespace Sidecar.Tests.MessagePack;

/// <summary>Walks all 256 leading bytes, each before bytes that complete any value, against every read method.</summary>
[TestFixture]
internal sealed class MessagePackLeadingByteTests
{
    private const int Codes = 256;
    private const int Completion = 32;
    private const string Natural = "00-7F CC-D3";
    private const string Integers = Natural + " E0-FF";

    private delegate MessagePackOutcome TryRead(ReadOnlySpan<byte> source, out int tokenSize);

    private static IEnumerable<TestCaseData> ReaderCases()
    {
        yield return Case("ReadNil", "C0", (ref MessagePackReader r) => r.ReadNil());
        yield return Case("ReadBoolean", "C2-C3", (ref MessagePackReader r) => r.ReadBoolean());
        yield return Case("ReadByte", Natural, (ref MessagePackReader r) => r.ReadByte());
        yield return Case("ReadUInt16", Natural, (ref MessagePackReader r) => r.ReadUInt16());
        yield return Case("ReadUInt32", Natural, (ref MessagePackReader r) => r.ReadUInt32());
        yield return Case("ReadUInt64", Natural, (ref MessagePackReader r) => r.ReadUInt64());
        yield return Case("ReadSByte", Integers, (ref MessagePackReader r) => r.ReadSByte());
        yield return Case("ReadInt16", Integers, (ref MessagePackReader r) => r.ReadInt16());
        yield return Case("ReadInt32", Integers, (ref MessagePackReader r) => r.ReadInt32());
        yield return Case("ReadInt64", Integers, (ref MessagePackReader r) => r.ReadInt64());
        yield return Case("ReadDouble", Integers + " CA-CB", (ref MessagePackReader r) => r.ReadDouble());
        yield return Case("ReadSingle", Integers + " CA-CB", (ref MessagePackReader r) => r.ReadSingle());
        yield return Case("ReadString", "A0-BF D9-DB", (ref MessagePackReader r) => r.ReadString());
        yield return Case("ReadStringSpan", "A0-BF D9-DB", (ref MessagePackReader r) => r.ReadStringSpan());
        yield return Case("ReadBinary", "C4-C6", (ref MessagePackReader r) => r.ReadBinary());
        yield return Case("ReadStringOrBinarySpan", "A0-BF C4-C6 D9-DB", (ref MessagePackReader r) => r.ReadStringOrBinarySpan());
        yield return Case("ReadArrayHeader", "90-9F DC-DD", (ref MessagePackReader r) => SkipAll(ref r, r.ReadArrayHeader()));
        yield return Case("ReadMapHeader", "80-8F DE-DF", (ref MessagePackReader r) => SkipAll(ref r, 2 * r.ReadMapHeader()));
        yield return Case("ReadExtension", "C7-C9 D4-D8", (ref MessagePackReader r) => r.ReadExtension(out _));
        yield return Case("ReadTimestamp", string.Empty, (ref MessagePackReader r) => r.ReadTimestamp());
        yield return Case("Skip", "00-C0 C2-FF", (ref MessagePackReader r) => r.Skip());
        yield return Case("ReadRaw", "00-C0 C2-FF", (ref MessagePackReader r) => r.ReadRaw());
    }

    [TestCaseSource(nameof(ReaderCases))]
    public void EveryLeadingByte_Read_MatchesExactlyTheCodesOfTheMethod(MessagePackBytes.ReadValue read, string matching)
    {
        var accepted = new List<int>();
        for (int code = 0; code < Codes; code++)
        {
            byte[] message = Complete(code);
            try
            {
                int position = MessagePackBytes.Read(message, read);
                Assert.That(position, Is.EqualTo(MessagePackBytes.Read(message, (ref MessagePackReader r) => r.Skip())), "same size as skipped");
                accepted.Add(code);
            }
            catch (MessagePackFormatException refusal)
            {
                Assert.That(refusal.Code, Is.EqualTo(code));
                Assert.That(refusal.Offset, Is.Zero);
                Assert.That(refusal.Message, Does.Contain(string.Create(CultureInfo.InvariantCulture, $"0x{code:X2}")));
            }
        }

        Assert.That(accepted, Is.EqualTo(Parse(matching)));
    }

    [Test]
    public void EveryLeadingByte_ReadByPrimitives_SucceedsOrMismatches()
    {
        var primitives = new (string Matching, TryRead Read)[]
        {
            ("C0", MessagePackPrimitives.TryReadNil),
            ("C2-C3", (s, out size) => MessagePackPrimitives.TryReadBoolean(s, out _, out size)),
            (Integers, (s, out size) => MessagePackPrimitives.TryReadInteger(s, out long _, out size)),
            (Integers + " CA-CB", (s, out size) => MessagePackPrimitives.TryReadDouble(s, out _, out size)),
            (Integers + " CA-CB", (s, out size) => MessagePackPrimitives.TryReadSingle(s, out _, out size)),
            ("A0-BF D9-DB", (s, out size) => MessagePackPrimitives.TryReadString(s, out _, out size)),
            ("C4-C6", (s, out size) => MessagePackPrimitives.TryReadBinary(s, out _, out size)),
            ("90-9F DC-DD", (s, out size) => MessagePackPrimitives.TryReadArrayHeader(s, out _, out size)),
            ("80-8F DE-DF", (s, out size) => MessagePackPrimitives.TryReadMapHeader(s, out _, out size)),
            ("C7-C9 D4-D8", (s, out size) => MessagePackPrimitives.TryReadExtension(s, out _, out _, out size)),
            (string.Empty, (s, out size) => MessagePackPrimitives.TryReadTimestamp(s, out _, out size)),
        };
        foreach ((string matching, TryRead read) in primitives)
        {
            List<int> accepted = Parse(matching);
            for (int code = 0; code < Codes; code++)
            {
                MessagePackOutcome outcome = read(Complete(code), out int size);

                bool matches = accepted.Contains(code);
                Assert.That(outcome, Is.EqualTo(matches ? MessagePackOutcome.Success : MessagePackOutcome.Mismatch));
                Assert.That(size > 0, Is.EqualTo(matches), "a size with success only");
            }
        }
    }

    [Test]
    public void EveryLeadingByte_NegativeFixint_OverflowsUnsigned()
    {
        for (int code = MessagePackCode.MinNegativeFixInt; code < Codes; code++)
        {
            Assert.That(MessagePackPrimitives.TryReadInteger(Complete(code), out ulong _, out _), Is.EqualTo(MessagePackOutcome.Overflow));
            Assert.That(MessagePackPrimitives.TryReadInteger(Complete(code), out sbyte value, out _), Is.EqualTo(MessagePackOutcome.Success));
            Assert.That(value, Is.EqualTo(code - Codes));
        }
    }

    [Test]
    public void EveryLeadingByte_TryReadNil_TakesNilAndLeavesAllElse()
    {
        for (int code = 0; code < Codes; code++)
        {
            var reader = new MessagePackReader(Complete(code));

            Assert.That(reader.TryReadNil(), Is.EqualTo(code == 0xC0));
            Assert.That(reader.Position, Is.EqualTo(code == 0xC0 ? 1 : 0));
        }
    }

    [TestCase(MessagePackKind.Nil, "C0")]
    [TestCase(MessagePackKind.Invalid, "C1")]
    [TestCase(MessagePackKind.Boolean, "C2-C3")]
    [TestCase(MessagePackKind.Integer, Integers)]
    [TestCase(MessagePackKind.Float, "CA-CB")]
    [TestCase(MessagePackKind.String, "A0-BF D9-DB")]
    [TestCase(MessagePackKind.Binary, "C4-C6")]
    [TestCase(MessagePackKind.Array, "90-9F DC-DD")]
    [TestCase(MessagePackKind.Map, "80-8F DE-DF")]
    [TestCase(MessagePackKind.Extension, "C7-C9 D4-D8")]
    public void EveryLeadingByte_NextKind_IsTheKindOfItsRange(MessagePackKind kind, string codes)
    {
        IEnumerable<int> ofKind = Enumerable.Range(0, Codes).Where(code => new MessagePackReader(Complete(code)).NextKind == kind);

        Assert.That(ofKind, Is.EqualTo(Parse(codes)));
    }

    private static TestCaseData Case(string name, string matching, MessagePackBytes.ReadValue read) =>
        new TestCaseData(read, matching).SetArgDisplayNames(name);

    private static byte[] Complete(int code) => [(byte)code, .. new byte[Completion]];

    private static void SkipAll(ref MessagePackReader reader, int count)
    {
        for (int i = 0; i < count; i++)
        {
            reader.Skip();
        }
    }

    private static List<int> Parse(string ranges) =>
    [
        .. ranges.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(range => range.Split('-'))
            .SelectMany(ends => Enumerable.Range(Hex(ends[0]), Hex(ends[^1]) - Hex(ends[0]) + 1))
            .Order(),
    ];

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
