using NUnit.Framework;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Spop;

public sealed class SpopFrameOrderTests
{
    private static readonly TestCaseData<byte[], SpopStatus>[] Broken =
    [
        new(SpopProxy.Frame(1, 0, 0, 0, []), SpopStatus.FragmentationNotSupported) { TestName = "HELLO without FIN" },
        new(SpopProxy.Frame(1, 3, 0, 0, []), SpopStatus.InvalidFrame) { TestName = "HELLO with ABORT" },
        new(SpopProxy.Frame(1, 1, 1, 0, []), SpopStatus.InvalidFrame) { TestName = "HELLO of a stream" },
        new(SpopProxy.Frame(1, 1, 0, 1, []), SpopStatus.InvalidFrame) { TestName = "HELLO with a frame id" },
        new(SpopProxy.NotifyFrame(0, 1, "m"), SpopStatus.InvalidFrame) { TestName = "NOTIFY before HELLO" },
        new(SpopProxy.Frame(0, 1, 0, 1, []), SpopStatus.InvalidFrame) { TestName = "UNSET before HELLO" },
        new(SpopProxy.Frame(42, 1, 0, 0, []), SpopStatus.InvalidFrame) { TestName = "Unknown type before HELLO" },
        new(SpopProxy.Frame(101, 1, 0, 0, []), SpopStatus.InvalidFrame) { TestName = "AGENT-HELLO from HAProxy" },
        new(SpopProxy.Frame(2, 0, 0, 0, []), SpopStatus.FragmentationNotSupported) { TestName = "DISCONNECT without FIN" },
        new(SpopProxy.Frame(2, 1, 7, 0, []), SpopStatus.InvalidFrame) { TestName = "DISCONNECT of a stream" },
    ];

    [TestCaseSource(nameof(Broken))]
    public void BeforeHello_OnlyHelloAndDisconnectMayCome(byte[] frame, SpopStatus expected)
    {
        Assert.That(SpopFrameOrder.Judge(Scan.One(frame), greeted: false, out var error), Is.EqualTo(SpopFrameUse.Refuse));
        Assert.That(error.Status, Is.EqualTo(expected), error.Message);
        Assert.That(error.Message, Has.Length.InRange(20, SpopLimits.MaxDisconnectMessage));
    }

    [Test]
    public void EveryType_HasItsUse()
    {
        for (var type = 0; type <= byte.MaxValue; type++)
        {
            var frame = Scan.One(SpopProxy.Frame((byte)type, SpopProxy.Fin, 0, 0, []));
            var expected = type switch
            {
                1 => (SpopFrameUse.Hello, SpopFrameUse.Refuse),
                2 => (SpopFrameUse.Disconnect, SpopFrameUse.Disconnect),
                0 or 3 => (SpopFrameUse.Refuse, SpopFrameUse.Message),
                101 or 102 or 103 => (SpopFrameUse.Refuse, SpopFrameUse.Refuse),
                _ => (SpopFrameUse.Refuse, SpopFrameUse.Skip),
            };
            var before = SpopFrameOrder.Judge(frame, greeted: false, out var early);
            var after = SpopFrameOrder.Judge(frame, greeted: true, out var late);
            Assert.That((before, after), Is.EqualTo(expected), $"type {type}");
            Assert.That(early.Status, Is.EqualTo(before == SpopFrameUse.Refuse ? SpopStatus.InvalidFrame : SpopStatus.Normal));
            Assert.That(late.Status, Is.EqualTo(after == SpopFrameUse.Refuse ? SpopStatus.InvalidFrame : SpopStatus.Normal));
        }
    }
}
