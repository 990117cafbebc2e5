using System.Buffers;
using System.Text;
using MessagePack;
using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Encodings.Values;

namespace Sidecar.Tests.Encodings;

/// <summary>Single values: those of the public suite in every listed encoding, and texts of every size.</summary>
[TestFixture]
internal sealed class MessagePackSuiteTests
{
    [Test]
    public void Suite_Loaded_HoldsEveryValue() => Assert.That(MessagePackSuite.Load(), Has.Count.EqualTo(MessagePackSuite.Count));

    [TestCaseSource(typeof(MessagePackSuite), nameof(MessagePackSuite.Cases))]
    public void Encoding_Read_IsTheValueAndTakesAllBytes(MessagePackSuite entry)
    {
        foreach (var encoding in entry.Encodings)
        {
            var left = 0;
            if (entry.Json is { } json)
            {
                var read = Bytes.Read(encoding, static (ref MessagePackValueReader r) => r.ReadJson(), out left);
                Assert.That(JsonMatch.Difference(json, read), Is.Null, Convert.ToHexString(encoding));
            }
            else if (entry.Binary is { } binary)
            {
                var read = Bytes.Read(encoding, static (ref MessagePackValueReader r) => r.ReadBytes(), out left);
                Assert.That(read.ToArray(), Is.EqualTo(binary));
            }
            else
            {
                Assert.That(() => Bytes.Read(encoding, static (ref MessagePackValueReader r) => r.ReadJson(), out _),
                    Throws.TypeOf<ProtocolException>().With.Message.Contains("extension"));
            }

            Assert.That(left, Is.Zero, "every byte belongs to the value");
        }
    }

    [TestCaseSource(typeof(MessagePackSuite), nameof(MessagePackSuite.Cases))]
    public void Encoding_Skipped_TakesAllBytesAndNoMore(MessagePackSuite entry)
    {
        foreach (var encoding in entry.Encodings)
        {
            Assert.That(Bytes.Skip((byte[])[.. encoding, MessagePackCode.Nil]), Is.EqualTo(1));
        }
    }

    [TestCaseSource(typeof(MessagePackSuite), nameof(MessagePackSuite.Cases))]
    public void Encoding_CutAnywhere_IsRefusedByEveryReader(MessagePackSuite entry)
    {
        foreach (var encoding in entry.Encodings)
        {
            for (var length = 0; length < encoding.Length; length++)
            {
                var cut = encoding.AsMemory(0, length);
                Assert.That(() => Bytes.Skip(cut), Throws.TypeOf<ProtocolException>());
                Assert.That(() => Bytes.Read(cut, static (ref MessagePackValueReader r) => r.ReadJson(), out _), Throws.TypeOf<ProtocolException>());
            }
        }
    }

    [TestCaseSource(typeof(MessagePackSuite), nameof(MessagePackSuite.Cases))]
    public void Value_Written_IsAListedEncodingOfTheShortestLength(MessagePackSuite entry)
    {
        if (entry.Json is null && entry.Binary is null)
        {
            return; // Messages have no extensions.
        }

        var written = Bytes.MessagePack(new ExactBufferWriter(), (ref MessagePackValueWriter w) =>
        {
            if (entry.Json is { } json)
            {
                w.Json(json);
            }
            else
            {
                w.BodyData(entry.Binary);
            }
        }).Written;

        Assert.That(entry.Encodings, Has.Some.EqualTo(written));
        if (written[0] != MessagePackCode.Float64)
        {
            Assert.That(written, Has.Length.EqualTo(entry.Encodings.Where(static encoding => !IsFloat(encoding)).Min(static encoding => encoding.Length)));
        }
    }

    [Test]
    public void Text_OfAnySize_HasTheNarrowestHeaderAndWhatFollowsFollows(
        [Values(0, 1, 31, 32, 85, 86, 255, 256, 1024, 1025, 21_845, 21_846, 65_535, 65_536)] int length, [Values("a", "é", "€", "\ud800")] string unit)
    {
        var text = string.Concat(Enumerable.Repeat(unit, length));
        var utf8 = Encoding.UTF8.GetBytes(text);
        byte[] header = utf8.Length switch
        {
            < 32 => [(byte)(MessagePackCode.MinFixStr | utf8.Length)],
            <= byte.MaxValue => [MessagePackCode.Str8, (byte)utf8.Length],
            <= ushort.MaxValue => [MessagePackCode.Str16, (byte)(utf8.Length >> 8), (byte)utf8.Length],
            _ => [MessagePackCode.Str32, 0, (byte)(utf8.Length >> 16), (byte)(utf8.Length >> 8), (byte)utf8.Length],
        };

        foreach (var output in new IBufferWriter<byte>[] { new ExactBufferWriter(), new ArrayBufferWriter<byte>() })
        {
            Bytes.MessagePack(output, (ref MessagePackValueWriter w) =>
            {
                w.String(text);
                w.Text(utf8);
                w.Null();
            });

            var written = output is ExactBufferWriter exact ? exact.Written : ((ArrayBufferWriter<byte>)output).WrittenSpan.ToArray();
            Assert.That(written.AsSpan().SequenceEqual((byte[])[.. header, .. utf8, .. header, .. utf8, MessagePackCode.Nil]));
        }
    }

    private static bool IsFloat(byte[] encoding) => encoding[0] is MessagePackCode.Float32 or MessagePackCode.Float64;

    /// <summary>Gives no byte more than asked for, and dirty ones, as a reused buffer would.</summary>
    private sealed class ExactBufferWriter : IBufferWriter<byte>
    {
        private readonly List<byte> _written = [];
        private byte[] _current = [];

        public byte[] Written => [.. _written];

        public void Advance(int count) => _written.AddRange(_current.AsSpan(0, count));

        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            _current = new byte[Math.Max(sizeHint, 1)];
            Array.Fill(_current, MessagePackCode.NeverUsed);
            return _current;
        }

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}
