using System.Buffers;
using System.IO.Pipelines;
using NUnit.Framework;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Framing;

/// <summary>Headers of every size that a format may have, 0 to 8 bytes, through the code that all formats share.</summary>
public sealed class FrameFormatTests
{
    // More than a length of one byte can say.
    private const int Limit = 300;

    // Each format, and whether its header has the type.
    private static IEnumerable<TestCaseData> Formats()
    {
        yield return Case("0: a line", new LineFormat(), hasType: false);
        yield return Case("1: a length of one byte", Prefixed(1, 0, 1), hasType: false);
        yield return Case("2: a length of one byte, then the type", Prefixed(2, 0, 1, typeAt: 1), hasType: true);
        yield return Case("3: the type, then a length of two bytes", Prefixed(3, 1, 2, typeAt: 0), hasType: true);
        yield return Case("4: a length", Prefixed(4, 0, 4), hasType: false);
        yield return Case("5: the native one", FrameFormat.Native, hasType: true);
        yield return Case("5: a byte, then a length", Prefixed(5, 1, 4), hasType: false);
        yield return Case("6: a length that counts the whole header, two bytes of nothing", Prefixed(6, 0, 4, counted: 6), hasType: false);
        yield return Case("7: the type in the middle, a length of three bytes", Prefixed(7, 4, 3, typeAt: 2), hasType: true);
        yield return Case("8: a length of eight bytes", Prefixed(8, 0, 8), hasType: false);
    }

    [TestCaseSource(nameof(Formats))]
    public void Frames_AreReadFromEveryFragmentation(FrameFormat format, bool hasType)
    {
        byte[][] payloads = ["{\"a\":1}\n"u8.ToArray(), "\n"u8.ToArray(), "{\"longer\":\"0123456789\"}\n"u8.ToArray()];
        byte[] stream = [.. payloads.SelectMany((payload, i) => new OutgoingFrame((MessageType)(0x40 + i), payload).ToArray(format))];
        Assert.That(stream, Has.Length.EqualTo(payloads.Sum(payload => format.HeaderSize + payload.Length)));
        foreach (var (name, sequence) in Fragmentation.All(stream))
        {
            var buffer = sequence;
            for (var i = 0; i < payloads.Length; i++)
            {
                Assert.That(format.TryRead(ref buffer, Limit, out var frame, out var length), Is.EqualTo(FrameScanStatus.Frame), name);
                Assert.That(frame.Payload.ToArray(), Is.EqualTo(payloads[i]), name);
                Assert.That(frame.Type, Is.EqualTo(hasType ? 0x40 + i : 0), name);
                Assert.That(length, Is.EqualTo(payloads[i].Length + 1), name);
            }

            Assert.That(buffer.IsEmpty, Is.True, name);
        }
    }

    [TestCaseSource(nameof(Formats))]
    public void TruncationAtEveryOffset_NeedsMoreAndLeavesTheBuffer(FrameFormat format, bool hasType)
    {
        var whole = new OutgoingFrame(MessageType.Pong, "{\"a\":1}\n"u8.ToArray()).ToArray(format);
        for (var size = 0; size < whole.Length; size++)
        {
            foreach (var (name, sequence) in Fragmentation.All(whole[..size]))
            {
                var buffer = sequence;
                Assert.That(format.TryRead(ref buffer, Limit, out _, out _), Is.EqualTo(FrameScanStatus.NeedMore), $"{size} of {whole.Length}, {name}");
                Assert.That((buffer.Start, buffer.End), Is.EqualTo((sequence.Start, sequence.End)), $"{size} of {whole.Length}, {name}");
            }
        }
    }

    [TestCaseSource(nameof(Formats))]
    public void LongestFrame_IsTaken_AndOneByteMoreIsRefused(FrameFormat format, bool hasType)
    {
        var payload = new byte[Math.Min(Limit, format.LargestPayload)];
        payload.AsSpan().Fill((byte)'a');
        payload[^1] = (byte)'\n';
        var whole = new OutgoingFrame(MessageType.Pong, payload).ToArray(format);
        var buffer = new ReadOnlySequence<byte>(whole);
        Assert.That(format.TryRead(ref buffer, (uint)payload.Length + 1, out _, out _), Is.EqualTo(FrameScanStatus.Frame));
        buffer = new ReadOnlySequence<byte>(whole);
        Assert.That(format.TryRead(ref buffer, (uint)payload.Length, out _, out var length), Is.EqualTo(FrameScanStatus.TooLong));
        Assert.That((length, buffer.Length), Is.EqualTo(((uint)payload.Length + 1, (long)whole.Length)));
    }

    /// <summary>What one connection's output writes, the other's input reads.</summary>
    [TestCaseSource(nameof(Formats))]
    public async Task Connections_SpeakIt(FrameFormat format, bool hasType)
    {
        var pair = new DuplexPipePair(PipeScheduler.ThreadPool);
        var options = new FrameConnectionOptions { Format = format };
        var (near, far) = (new FrameConnection(pair.Near, options), new FrameConnection(pair.Far, options));
        var heard = new RecordingFrameHandler();
        var running = Task.WhenAll(near.RunAsync(new RecordingFrameHandler()), far.RunAsync(heard));
        using (var frame = FrameBuffer.Rent(MessageType.Ping))
        {
            for (var i = 1; i <= 50; i++)
            {
                frame.Write("x"u8);
                if (i % 10 == 0)
                {
                    frame.Write("\n"u8);
                    Assert.That(near.TrySend(frame.Finish(format.LargestPayload)), Is.EqualTo(SendStatus.Sent));
                }
            }
        }

        near.Close();
        await running.WaitAsync(Wire.Limit, TimeProvider.System);
        var text = string.Concat(heard.Frames.Select(static frame => System.Text.Encoding.UTF8.GetString(frame.Payload)));
        Assert.That(text, Is.EqualTo(string.Concat(Enumerable.Range(1, 5).Select(static i => string.Concat(Enumerable.Repeat("xxxxxxxxxx\n", i))))));
        Assert.That(heard.Frames.Select(static frame => frame.Type), Is.All.EqualTo(hasType ? MessageType.Ping : MessageType.None));
    }

    [Test]
    public void ShortLength_RefusesWhatItCannotSay()
    {
        var format = Prefixed(1, 0, 1);
        Assert.That(format.LargestPayload, Is.EqualTo(255));
        var header = new byte[1];
        Assert.That(() => format.WriteHeader(header, 0, 256), Throws.InstanceOf<ArgumentOutOfRangeException>().With.Message.Contains("0 to 255"));
        format.WriteHeader(header, 0, 255);
        Assert.That(header, Is.EqualTo(new byte[] { 255 }));
        using var frame = FrameBuffer.Rent(MessageType.Ping);
        frame.Write(new byte[256]);
        Assert.That(() => frame.Finish(format.LargestPayload), Throws.InstanceOf<FrameTooLongException>().With.Message.Contains("the limit is 255"));
    }

    [Test]
    public void LengthBelowWhatItCounts_IsRefused()
    {
        var format = Prefixed(6, 0, 4, counted: 6);
        var buffer = new ReadOnlySequence<byte>([0, 0, 0, 5]);
        Assert.That(format.TryRead(ref buffer, Limit, out _, out _), Is.EqualTo(FrameScanStatus.ZeroLength));
    }

    [Test]
    public void LengthOf64Bits_IsNeverCutShort()
    {
        var buffer = new ReadOnlySequence<byte>([0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3]);
        Assert.That(Prefixed(8, 0, 8).TryRead(ref buffer, FrameLimits.MaxLength, out _, out var length), Is.EqualTo(FrameScanStatus.TooLong));
        Assert.That(length, Is.EqualTo(uint.MaxValue));
    }

    [TestCase(9, 0, 4, null, 0)]
    [TestCase(0, 0, 4, null, 0)]
    [TestCase(4, 1, 4, null, 0)]
    [TestCase(4, -1, 4, null, 0)]
    [TestCase(4, 0, 0, null, 0)]
    [TestCase(5, 0, 4, 5, 0)]
    [TestCase(5, 0, 4, 3, 0)]
    [TestCase(5, 0, 4, -1, 0)]
    [TestCase(5, 0, 4, 4, 6)]
    [TestCase(5, 0, 4, 4, -1)]
    public void HeaderThatHoldsNotWhatItShould_IsNone(int size, int lengthAt, int lengthSize, int? typeAt, int counted) =>
        Assert.That(() => Prefixed(size, lengthAt, lengthSize, typeAt, counted), Throws.InstanceOf<ArgumentException>());

    private static LengthPrefixedFormat Prefixed(int size, int lengthAt, int lengthSize, int? typeAt = null, int counted = 0) =>
        new(new FrameHeader(size, lengthAt, lengthSize) { TypeAt = typeAt, Counted = counted });

    private static TestCaseData Case(string name, FrameFormat format, bool hasType) => new TestCaseData(format, hasType).SetArgDisplayNames(name);
}
