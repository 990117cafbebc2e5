using System.Net;
using NUnit.Framework;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Spop;

[NonParallelizable]
public sealed class SpopAckWriterTests
{
    private const int FrameSize = 16_380;
    private const int Prefix = 2;

    [Test]
    public void GoldenAck_IsWritten()
    {
        using var writer = new SpopAckWriter(FrameSize, Prefix);
        writer.Begin(0, 1);
        Assert.That(writer.TrySet(SpopScope.Transaction, "act"u8, SpopValue.String("allow"u8)), Is.True);
        Assert.That(writer.TryUnset(SpopScope.Response, "x"u8), Is.True);

        Assert.That(writer.Finish().ToArray(), Is.EqualTo(Hex.Bytes(
            "0000001A 67 00000001 00 01  01 03 02 03'act' 08 05'allow'  02 02 04 01'x'")));
    }

    [Test]
    public void EveryScopeAndType_ReachesHAProxy()
    {
        using var writer = new SpopAckWriter(FrameSize, Prefix);
        object?[] values =
        [
            null, true, false, -7, 7u, long.MinValue, ulong.MaxValue, "text", new byte[] { 0, 1 },
            IPAddress.IPv6Loopback, IPAddress.Loopback,
        ];
        writer.Begin(uint.MaxValue, 3);
        var expected = new List<SpopAction>();
        foreach (var scope in Enum.GetValues<SpopScope>())
        {
            foreach (var value in values)
            {
                var free = writer.Free;
                var reader = new SpopReader(SpopBytes.Value(value));
                Assert.That(reader.TryReadValue(out var typed) && writer.TrySet(scope, "name"u8, typed), Is.True);
                Assert.That(writer.Free, Is.EqualTo(free - SpopAckWriter.SizeOfSet("name"u8, typed)));
                expected.Add(new(true, (byte)scope, "name", value));
            }

            var left = writer.Free;
            Assert.That(writer.TryUnset(scope, "gone"u8), Is.True);
            Assert.That(writer.Free, Is.EqualTo(left - SpopAckWriter.SizeOfUnset("gone"u8)));
            expected.Add(new(false, (byte)scope, "gone", null));
        }

        var frame = Take(writer.Finish(), FrameSize);
        Assert.That((frame.StreamId, frame.FrameId), Is.EqualTo(((ulong)uint.MaxValue, 3ul)));
        Assert.That(frame.Actions.Select(a => (a.IsSet, a.Scope, a.Name)), Is.EqualTo(expected.Select(a => (a.IsSet, a.Scope, a.Name))));
        Assert.That(frame.Actions.Select(a => a.Value), Is.EqualTo(expected.Select(a => a.Value)));
        Assert.That(expected.Select(a => a.Scope).Distinct(), Is.EqualTo(new byte[] { 0, 1, 2, 3, 4 }));
    }

    [Test]
    public void LargestBody_FillsTheFrameToTheByte([Values(256, 300, 498, 499, 500, 501, 2_560, 16_380, 65_532)] int frameSize)
    {
        using var writer = new SpopAckWriter(frameSize, Prefix);
        writer.Begin(1, 1);
        var most = writer.MaxBytes("body"u8, 0);
        var body = new byte[most + 1];

        Assert.That(writer.TrySet(SpopScope.Transaction, "body"u8, SpopValue.String(body)), Is.False);
        Assert.That(writer.TrySet(SpopScope.Transaction, "body"u8, SpopValue.String(body.AsSpan(1))), Is.True);
        Assert.That(writer.Free, Is.InRange(0, 1), "a byte can be left where the length grows by one");
        Assert.That(Take(writer.Finish(), frameSize).Actions.Single().Value, Is.EqualTo(new string('\0', most)));
    }

    [Test]
    public void ReservedRoom_IsLeftForTheVerdict()
    {
        using var writer = new SpopAckWriter(256, Prefix);
        writer.Begin(1, 1);
        var verdict = SpopAckWriter.SizeOfSet("act"u8, SpopValue.String("block"u8));
        var body = new byte[writer.MaxBytes("body"u8, verdict)];
        Assert.That(writer.TrySet(SpopScope.Transaction, "body"u8, SpopValue.Binary(body)), Is.True);
        Assert.That(writer.TrySet(SpopScope.Transaction, "act"u8, SpopValue.String("block"u8)), Is.True);
        Assert.That(writer.MaxBytes("body"u8, 0), Is.Negative);
        Assert.That(writer.Finish().Length, Is.EqualTo(4 + 256));
    }

    [Test]
    public void WhatDoesNotFit_LeavesTheFrameAsItWas()
    {
        using var writer = new SpopAckWriter(256, Prefix);
        writer.Begin(1, 1);
        writer.TryUnset(SpopScope.Transaction, "a"u8);
        Assert.That(writer.TrySet(SpopScope.Transaction, "body"u8, SpopValue.String(new byte[4000])), Is.False);
        while (writer.TryUnset(SpopScope.Transaction, "filler"u8))
        {
            Assert.That(writer.Free, Is.Not.Negative);
        }

        var frame = Take(writer.Finish(), 256);
        Assert.That(frame.Actions[0].Name, Is.EqualTo("a"));
        Assert.That(frame.Actions.Skip(1).Select(a => a.Name), Is.All.EqualTo("filler").And.Not.Empty);
    }

    [Test]
    public void NextFrame_StartsAnew()
    {
        using var writer = new SpopAckWriter(FrameSize, Prefix);
        writer.Begin(1, 1);
        writer.TryUnset(SpopScope.Transaction, "dropped"u8);
        for (var stream = 3ul; stream < 9; stream += 2)
        {
            writer.Begin(stream, 1);
            writer.TryUnset(SpopScope.Transaction, "a"u8);
            var frame = Take(writer.Finish(), FrameSize);
            Assert.That((frame.StreamId, frame.Actions.Single().Name), Is.EqualTo((stream, "a")));
        }
    }

    [Test]
    public void EmptyAck_IsOurError()
    {
        using var writer = new SpopAckWriter(FrameSize, Prefix);
        Assert.Throws<InvalidOperationException>(() => writer.Finish());
        Assert.Throws<InvalidOperationException>(() => writer.TryUnset(SpopScope.Transaction, "a"u8));
        writer.Begin(1, 1);
        Assert.Throws<InvalidOperationException>(() => writer.Finish());
        writer.TryUnset(SpopScope.Transaction, "a"u8);
        writer.Finish();
        Assert.Throws<InvalidOperationException>(() => writer.Finish());
    }

    [TestCase(SpopScope.Process, 2, 55)]
    [TestCase(SpopScope.Session, 2, 55)]
    [TestCase(SpopScope.Transaction, 2, 56)]
    [TestCase(SpopScope.Request, 40, 18)]
    [TestCase(SpopScope.Response, 57, 1)]
    public void CompleteName_HasAtMost63Bytes(SpopScope scope, int prefix, int longest)
    {
        Assert.That(SpopVariables.MaxNameLength(scope, prefix), Is.EqualTo(longest));
        using var writer = new SpopAckWriter(FrameSize, prefix);
        writer.Begin(1, 1);
        var name = new byte[longest + 1];
        name.AsSpan().Fill((byte)'n');
        Assert.That(writer.TryUnset(scope, name.AsSpan(1)), Is.True);
        var thrown = Assert.Throws<ArgumentException>(() => writer.TryUnset(scope, name));
        Assert.That(thrown!.Message, Does.Contain($"{longest + 1} bytes").And.Contain($"takes {longest}"));
    }

    [TestCase("")]
    [TestCase("a b")]
    [TestCase("a-b")]
    [TestCase("a\0")]
    public void OtherCharacters_AreOurError(string name)
    {
        using var writer = new SpopAckWriter(FrameSize, Prefix);
        writer.Begin(1, 1);
        var bytes = name.Select(c => (byte)c).ToArray();
        Assert.Throws<ArgumentException>(() => writer.TrySet(SpopScope.Transaction, bytes, SpopValue.Null));
        Assert.Throws<InvalidOperationException>(() => writer.Finish());
    }

    [Test]
    public void FramesInTheSteadyState_AllocateNothing()
    {
        using var writer = new SpopAckWriter(FrameSize, Prefix);
        var body = new byte[9000];
        var (streams, length) = (0ul, 0);
        var allocated = Allocations.Of(100, () =>
        {
            writer.Begin(streams++, 1);
            writer.TrySet(SpopScope.Transaction, "act"u8, SpopValue.String("block"u8));
            writer.TrySet(SpopScope.Transaction, "body"u8, SpopValue.String(body));
            length = writer.Finish().Length;
        });
        Assert.That(allocated, Is.Zero);
        Assert.That(length, Is.GreaterThan(body.Length));
    }

    private static SpopAgentFrame Take(ReadOnlyMemory<byte> bytes, int maxFrameSize)
    {
        var received = bytes.ToArray();
        var frame = SpopAgentFrame.TryTake(ref received, maxFrameSize)!;
        Assert.That((frame.Type, received.Length), Is.EqualTo((SpopAgentFrame.Ack, 0)));
        return frame;
    }
}
