using System.Buffers;
using System.Text;
using NUnit.Framework;
using Sidecar.Protocol.Spop;

namespace Sidecar.Tests.Spop;

public sealed class SpopHeaderTests
{
    private static readonly (string, string)[] Fields = [("host", "example.org"), ("cookie", "a"), ("cookie", ""), ("x", "\u00ff\u0001")];

    [Test]
    public void BinaryBlock_KeepsOrderDuplicatesAndBytes()
    {
        var block = Hex.Bytes("04'host' 0B'example.org' 06'cookie' 01'a' 06'cookie' 00 01'x' 02 FF 01 00 00");
        Assert.That(SpopHeaderBlock.TryRead(block, out var headers, out var error), Is.True, error.Message);
        Assert.That(headers.Count, Is.EqualTo(4));
        var seen = new List<(string, string)>();
        foreach (var header in headers)
        {
            seen.Add((Encoding.Latin1.GetString(header.Name), Encoding.Latin1.GetString(header.Value)));
        }

        Assert.That(seen, Is.EqualTo(Fields));
        Assert.That(SpopHeaderBlock.TryRead([0, 0], out headers, out _), Is.True);
        Assert.That((headers.Count, headers.MoveNext()), Is.EqualTo((0, false)));
    }

    [TestCase("")]
    [TestCase("00")]
    [TestCase("01'x' 01'y'", Description = "no end")]
    [TestCase("01'x' 01'y' 00", Description = "half an end")]
    [TestCase("00 00 00", Description = "more after the end")]
    [TestCase("00 01'y' 00 00", Description = "a value without a name")]
    [TestCase("05'x'")]
    [TestCase("01'x' FF FFFFFFFF FFFFFFFF FFFF", Description = "a length without end")]
    public void BrokenBlock_IsRefusedWhole(string hex)
    {
        Assert.That(SpopHeaderBlock.TryRead(Hex.Bytes(hex), out var headers, out var error), Is.False);
        Assert.That((headers.Count, headers.MoveNext()), Is.EqualTo((0, false)));
        Assert.That(error.Status, Is.EqualTo(SpopStatus.InvalidFrame));
        Assert.That(error.Message, Does.StartWith("a header block"));
    }

    [TestCase("host: example.org\r\ncookie:a\r\ncookie: \r\nx: \u00ff\u0001\t \r\n\r\n")]
    [TestCase("host: example.org\r\ncookie:a\r\ncookie: \r\nx: \u00ff\u0001\t \r\n", Description = "without the empty line")]
    public void TextBlock_KeepsOrderDuplicatesAndBytes(string text)
    {
        Assert.That(SpopHeaderText.TryRead(Encoding.Latin1.GetBytes(text), out var headers, out var error), Is.True, error.Message);
        Assert.That(headers.Count, Is.EqualTo(4));
        var seen = new List<(string, string)>();
        foreach (var header in headers)
        {
            seen.Add((Encoding.Latin1.GetString(header.Name), Encoding.Latin1.GetString(header.Value)));
        }

        Assert.That(seen, Is.EqualTo(Fields));
    }

    [TestCase("")]
    [TestCase("\r\n")]
    public void TextWithoutFields_IsEmpty(string text)
    {
        Assert.That(SpopHeaderText.TryRead(Encoding.Latin1.GetBytes(text), out var headers, out _), Is.True);
        Assert.That((headers.Count, headers.MoveNext()), Is.EqualTo((0, false)));
    }

    [TestCase("a: b", 1, Description = "no end of line")]
    [TestCase("a: b\n", 1, Description = "a bare LF")]
    [TestCase("a: b\rc: d\r\n", 1, Description = "a bare CR")]
    [TestCase("a: b\r\nno colon\r\n", 2)]
    [TestCase("a: b\r\n: no name\r\n", 2)]
    [TestCase("a: b\r\n\r\nc: d\r\n", 2, Description = "more after the end")]
    [TestCase("a: b\r\n\r\n\r\n", 2, Description = "two ends")]
    [TestCase("a: b\r", 1)]
    public void BrokenText_IsRefusedWholeAndNamesTheLine(string text, int line)
    {
        Assert.That(SpopHeaderText.TryRead(Encoding.Latin1.GetBytes(text), out var headers, out var error), Is.False);
        Assert.That((headers.Count, headers.MoveNext()), Is.EqualTo((0, false)));
        Assert.That(error.Message, Does.StartWith($"line {line} "));
    }

    [Test]
    public void WrittenLists_HaveTheLayoutHAProxyApplies()
    {
        var output = new ArrayBufferWriter<byte>();
        SpopHeaderLists.WriteField(output, "x-user"u8, "ann"u8);
        SpopHeaderLists.WriteField(output, "x-empty"u8, default);
        SpopHeaderLists.WriteFieldsEnd(output);
        Assert.That(output.WrittenSpan.ToArray(), Is.EqualTo(Hex.Bytes("06'x-user' 03'ann' 07'x-empty' 00 00 00")));
        Assert.That(output.WrittenCount, Is.EqualTo(
            SpopHeaderLists.SizeOfField("x-user"u8, "ann"u8)
            + SpopHeaderLists.SizeOfField("x-empty"u8, default)
            + SpopHeaderLists.FieldsEndSize));

        output.ResetWrittenCount();
        SpopHeaderLists.WriteName(output, "x-user"u8);
        SpopHeaderLists.WriteNamesEnd(output);
        Assert.That(output.WrittenSpan.ToArray(), Is.EqualTo(Hex.Bytes("06'x-user' 00")));
        Assert.That(output.WrittenCount, Is.EqualTo(SpopHeaderLists.SizeOfName("x-user"u8) + SpopHeaderLists.NamesEndSize));
    }

    [TestCase("", "v")]
    [TestCase("n\r\n", "v")]
    [TestCase("n\0", "v")]
    [TestCase("n", "v\rw")]
    [TestCase("n", "v\nw")]
    [TestCase("n", "\0")]
    public void FieldThatSplitsOrEndsTheList_IsOurErrorAndNotWritten(string name, string value)
    {
        var output = new ArrayBufferWriter<byte>();
        var (nameBytes, valueBytes) = (Encoding.Latin1.GetBytes(name), Encoding.Latin1.GetBytes(value));
        Assert.Throws<ArgumentException>(() => SpopHeaderLists.WriteField(output, nameBytes, valueBytes));
        if (value == "v")
        {
            Assert.Throws<ArgumentException>(() => SpopHeaderLists.WriteName(output, nameBytes));
        }

        Assert.That(output.WrittenCount, Is.Zero);
    }

    [FsCheck.NUnit.Property(MaxTest = 300)]
    public bool AnyFields_RoundTrip((byte[] Name, byte[] Value)[] fields)
    {
        var clean = fields.Select(f => (Name: (byte[])[(byte)'n', .. Clean(f.Name)], Value: Clean(f.Value))).ToList();
        var output = new ArrayBufferWriter<byte>();
        clean.ForEach(f => SpopHeaderLists.WriteField(output, f.Name, f.Value));
        SpopHeaderLists.WriteFieldsEnd(output);
        var read = new List<byte[]>();
        var whole = SpopHeaderBlock.TryRead(output.WrittenSpan, out var headers, out _) && headers.Count == clean.Count;
        foreach (var header in headers)
        {
            read.Add([.. header.Name, (byte)'\n', .. header.Value]);
        }

        var expected = clean.Select(f => Convert.ToHexString([.. f.Name, (byte)'\n', .. f.Value]));
        return whole && read.Select(Convert.ToHexString).SequenceEqual(expected);

        static byte[] Clean(byte[] bytes) => [.. bytes.Where(b => b is not ((byte)'\r' or (byte)'\n' or 0))];
    }
}
