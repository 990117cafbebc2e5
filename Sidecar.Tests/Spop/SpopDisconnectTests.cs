using System.Buffers;
using NUnit.Framework;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Spop;

public sealed class SpopDisconnectTests
{
    private static readonly (int Code, SpopStatus Status)[] Codes =
    [
        (0, SpopStatus.Normal), (1, SpopStatus.IoError), (2, SpopStatus.Timeout), (3, SpopStatus.FrameTooBig), (4, SpopStatus.InvalidFrame),
        (5, SpopStatus.VersionMissing), (6, SpopStatus.MaxFrameSizeMissing), (7, SpopStatus.CapabilitiesMissing),
        (8, SpopStatus.UnsupportedVersion), (9, SpopStatus.BadMaxFrameSize), (10, SpopStatus.FragmentationNotSupported),
        (11, SpopStatus.InterlacedFrames), (12, SpopStatus.FrameIdNotFound), (13, SpopStatus.ResourceAllocation), (99, SpopStatus.Unknown),
    ];

    [Test]
    public void EveryStatus_HasTheCodeOfTheSpecificationInBothDirections()
    {
        Assert.That(Enum.GetValues<SpopStatus>(), Is.EquivalentTo(Codes.Select(c => c.Status)));
        foreach (var (code, status) in Codes)
        {
            var bytes = Write(status, "why");
            var sent = SpopAgentFrame.TryTake(ref bytes, 256)!;
            Assert.That(sent.Type, Is.EqualTo(SpopAgentFrame.Disconnect));
            Assert.That((sent.Items["status-code"], sent.Items["message"]), Is.EqualTo(((uint)code, "why")));

            Assert.That(TryRead(SpopProxy.DisconnectFrame((uint)code, "why"), out var read, out _), Is.True);
            Assert.That((read.Code, read.Status, read.Message), Is.EqualTo(((uint)code, status, "why")));
        }
    }

    [Test]
    public void GoldenDisconnect_IsWritten() => Assert.That(Write(SpopStatus.Timeout, "late"), Is.EqualTo(Hex.Bytes(
        "00000023 66 00000001 00 00 0B'status-code' 03 02 07'message' 08 04'late'")));

    [TestCase(14u)]
    [TestCase(98u)]
    [TestCase(uint.MaxValue)]
    public void OtherCode_IsUnknownAndKept(uint code)
    {
        Assert.That(TryRead(SpopProxy.DisconnectFrame(code, ""), out var read, out _), Is.True);
        Assert.That((read.Code, read.Status), Is.EqualTo((code, SpopStatus.Unknown)));
    }

    [Test]
    public void PeersWords_AreMadeFitForALog()
    {
        Assert.That(TryRead(SpopProxy.DisconnectFrame(1, "a\r\nb\u001b[31m" + new string('x', 9000)), out var read, out _), Is.True);
        Assert.That(read.Message, Does.StartWith("a??b?[31mx").And.Length.EqualTo(SpopLimits.MaxDisconnectMessage));
    }

    [Test]
    public void LongMessage_IsCutBetweenCharacters()
    {
        var bytes = Write(SpopStatus.InvalidFrame, new string('x', 254) + "é" + new string('y', 1000));
        var sent = SpopAgentFrame.TryTake(ref bytes, 400)!;
        Assert.That(sent.Items["message"], Is.EqualTo(new string('x', 254)));
        bytes = Write(SpopStatus.InvalidFrame, new string('x', 2000));
        Assert.That(SpopAgentFrame.TryTake(ref bytes, 400)!.Items["message"], Is.EqualTo(new string('x', 255)));
    }

    [TestCase("", "no status-code")]
    [TestCase("0B'status-code' 03 02", "no message")]
    [TestCase("07'message' 08 00", "no status-code")]
    [TestCase("0B'status-code' 08 01'2' 07'message' 08 00", "type 8")]
    [TestCase("0B'status-code' 04 FF F0 FE FE FE FE FE FE FE 0E 07'message' 08 00", "32 bits")]
    [TestCase("0B'status-code' 03 02 07'message' 03 00", "type 3")]
    [TestCase("0B'status-code' 03", "ends inside")]
    [TestCase("7F'status-code'", "127 bytes claimed")]
    public void HostileDisconnect_IsAnInvalidFrame(string hex, string reason)
    {
        Assert.That(SpopDisconnect.TryRead(Hex.Bytes(hex), out _, out var error), Is.False);
        Assert.That(error.Status, Is.EqualTo(SpopStatus.InvalidFrame));
        Assert.That(error.Message, Does.Contain(reason));
    }

    private static bool TryRead(byte[] frame, out SpopDisconnect disconnect, out SpopError error) =>
        SpopDisconnect.TryRead(Scan.Payload(frame), out disconnect, out error);

    private static byte[] Write(SpopStatus status, string message)
    {
        var output = new ArrayBufferWriter<byte>();
        SpopDisconnect.Write(output, status, message);
        return output.WrittenSpan.ToArray();
    }
}
