using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

/// <summary>What a peer can claim or nest to make a naive decoder allocate, overflow or recurse without end.</summary>
[TestFixture]
internal sealed class MessagePackHostileInputTests
{
    private const int MaxDepth = 64;

    // Far less than any of the claims, and enough for an error with its stack.
    private const int MostBytes = 64 * 1024;

    [Test]
    public void Claim_BeyondTheBytesThereAre_IsRefusedWhereverItStands(
        [Values(
            "DDFFFFFFFF", "DD80000000", "DD7FFFFFFF", "DC0004", "94", "DFFFFFFFFF", "DF80000000", "DF7FFFFFFF", "DF40000000", "DE0002", "82",
            "DBFFFFFFFF", "DB80000000", "DB7FFFFFFF", "DA0004", "D904", "A4", "C6FFFFFFFF", "C680000000", "C67FFFFFFF", "C50004", "C404",
            "C9FFFFFFFF", "C980000000", "C97FFFFFFF", "C80004", "C704", "D6", "C1")] string header,
        [Values("", "81", "81A178", "81A6636F6E666967", "82A6636F6E666967C0A178", "81A464617461", "81A77461726765745F", "81A768656164657273",
            "81A3757269", "81A86D65746164617461", "81A6737461747573", "81A66D6574686F64", "91", "9391")] string before)
    {
        byte[] payload = [.. Convert.FromHexString(before + header), 0x01, 0x02, 0x03];
        foreach (var type in new[] { MessageType.Configure, MessageType.RequestHeaders, MessageType.RequestBodyChunk, MessageType.ResponseHeaders })
        {
            var allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
            Assert.That(() => MessageEncodings.MessagePack.ReadEvent(type, payload), Throws.TypeOf<ProtocolException>());
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - allocatedBefore, Is.LessThan(MostBytes), "allocated");
        }

        Assert.That(() => MessageEncodings.MessagePack.ReadResponse(payload), Throws.TypeOf<ProtocolException>());
        Assert.That(() => MessageEncodings.MessagePack.SalvageCorrelationId(payload), Throws.Nothing);
        Assert.That(() => Bytes.Skip(Convert.FromHexString(header + "010203")), Throws.TypeOf<ProtocolException>());
    }

    [TestCase("93010203")]
    [TestCase("8101C0")]
    [TestCase("A3010203")]
    [TestCase("C403010203")]
    public void Claim_OfAllTheBytesThereAre_IsTaken(string payload) => Assert.That(Bytes.Skip(Convert.FromHexString(payload)), Is.Zero);

    [Test]
    public void Nesting_AtTheLimit_IsReadAndOneMoreIsRefused([Values("config", "x")] string member, [Values("91", "8101")] string level)
    {
        Assert.That(() => Read(MaxDepth - 1), Throws.Nothing);
        Assert.That(() => Read(MaxDepth), Throws.TypeOf<ProtocolException>().With.Message.Contains($"limit of {MaxDepth}"));
        Assert.That(() => Read(1_000_000), Throws.TypeOf<ProtocolException>().With.Message.Contains($"limit of {MaxDepth}"));

        // The object around them is a level too.
        AgentEvent Read(int levels) => MessageEncodings.MessagePack.ReadEvent(MessageType.Configure, (byte[])
        [
            0x81, (byte)(0xA0 | member.Length), .. System.Text.Encoding.ASCII.GetBytes(member),
            .. Convert.FromHexString(string.Concat(Enumerable.Repeat(level, levels))), 0xC0,
        ]);
    }

    [Test]
    public void Nesting_OfEmptyContainers_CountsTheInnermostToo([Values("90", "80")] string innermost)
    {
        Assert.That(Bytes.Skip(Nested(MaxDepth - 1)), Is.Zero);
        Assert.That(() => Bytes.Skip(Nested(MaxDepth)), Throws.TypeOf<ProtocolException>());

        byte[] Nested(int levels) => Convert.FromHexString(string.Concat(Enumerable.Repeat("91", levels)) + innermost);
    }

    [Test]
    public void Containers_SideBySide_AreNoDepth() =>
        Assert.That(Bytes.Skip((byte[])[0xDC, 0x01, 0x00, .. Enumerable.Repeat((byte)0x90, 256)]), Is.Zero);
}
