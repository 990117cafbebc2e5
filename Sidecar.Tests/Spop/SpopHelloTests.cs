using System.Buffers;
using NUnit.Framework;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Spop;

public sealed class SpopHelloTests
{
    private const SpopCapabilities Both = SpopCapabilities.Pipelining | SpopCapabilities.Fragmentation;

    private static readonly (string Key, object? Value)[] Good =
        [("supported-versions", "2.0"), ("max-frame-size", 16_380u), ("capabilities", "pipelining,async")];

    private static readonly TestCaseData<(string, object?)[], SpopStatus>[] Refused =
    [
        new([], SpopStatus.VersionMissing) { TestName = "An empty HELLO" },
        new([Good[1], Good[2]], SpopStatus.VersionMissing) { TestName = "No versions" },
        new([Good[0], Good[2]], SpopStatus.MaxFrameSizeMissing) { TestName = "No max-frame-size" },
        new([Good[0], Good[1]], SpopStatus.CapabilitiesMissing) { TestName = "No capabilities" },
        new([("supported-versions", "1.0, 3.0"), Good[1], Good[2]], SpopStatus.UnsupportedVersion) { TestName = "Other versions" },
        new([("supported-versions", ""), Good[1], Good[2]], SpopStatus.UnsupportedVersion) { TestName = "An empty list of versions" },
        new([("supported-versions", "2"), Good[1], Good[2]], SpopStatus.UnsupportedVersion) { TestName = "A version without a minor" },
        new([("supported-versions", "2.x"), Good[1], Good[2]], SpopStatus.UnsupportedVersion) { TestName = "A version of letters" },
        new([("supported-versions", 2u), Good[1], Good[2]], SpopStatus.InvalidFrame) { TestName = "Versions as a number" },
        new([Good[0], ("max-frame-size", 255u), Good[2]], SpopStatus.BadMaxFrameSize) { TestName = "max-frame-size of 255" },
        new([Good[0], ("max-frame-size", -1L), Good[2]], SpopStatus.BadMaxFrameSize) { TestName = "A negative max-frame-size" },
        new([Good[0], ("max-frame-size", "16380"), Good[2]], SpopStatus.InvalidFrame) { TestName = "max-frame-size as text" },
        new([Good[0], Good[1], ("capabilities", null)], SpopStatus.InvalidFrame) { TestName = "NULL for capabilities" },
        new([.. Good, ("healthcheck", 1u)], SpopStatus.InvalidFrame) { TestName = "healthcheck as a number" },
        new([.. Good, ("engine-id", 1u)], SpopStatus.InvalidFrame) { TestName = "engine-id as a number" },
    ];

    [Test]
    public void GoldenHello_IsAnswered()
    {
        var golden = Hex.Bytes(
            "0000004B 01 00000001 00 00" +
            "12'supported-versions' 08 03'2.0'" +
            "0E'max-frame-size' 03 FC F0 06" +
            "0C'capabilities' 08 0A'pipelining'");
        Assert.That(TryRead(golden, out var hello, out var error), Is.True, error.Message);
        Assert.That(hello!.MaxFrameSize, Is.EqualTo(16_380));
        Assert.That((hello.Capabilities, hello.IsHealthCheck, hello.EngineId), Is.EqualTo((SpopCapabilities.Pipelining, false, "")));

        var answer = Answer(hello.Accept(SpopLimits.MaxFrameSize, fragments: true));
        Assert.That(answer, Is.EqualTo(Hex.Bytes(
            "0000004E 65 00000001 00 00" +
            "07'version' 08 03'2.0'" +
            "0E'max-frame-size' 03 FC F0 06" +
            "0C'capabilities' 08 18'pipelining,fragmentation'")));
    }

    [Test]
    public void HealthCheck_IsSeen()
    {
        Assert.That(TryRead(SpopProxy.HealthCheckFrame(), out var hello, out _), Is.True);
        Assert.That((hello!.IsHealthCheck, hello.Capabilities), Is.EqualTo((true, SpopCapabilities.None)));
    }

    [Test]
    public void UnknownKeysAndCapabilities_AreIgnored()
    {
        var frame = SpopProxy.HelloFrame(
            ("x", null), ("version", 1u), ("supported-versions", "3.0, 2.4 ,1.0"), ("max-frame-size", 256L),
            ("capabilities", "zip,  pipelining,,async "), ("engine-id", "e\r\n\u00e9" + new string('x', 100)), ("", "y"));
        Assert.That(TryRead(frame, out var hello, out var error), Is.True, error.Message);
        Assert.That(hello!.Capabilities, Is.EqualTo(SpopCapabilities.Pipelining | SpopCapabilities.Async));
        Assert.That(hello.EngineId, Is.EqualTo("e????" + new string('x', 59)));
        Assert.That(hello.MaxFrameSize, Is.EqualTo(256));
    }

    [TestCaseSource(nameof(Refused))]
    public void HelloThatWeCannotAccept_HasItsStatus((string, object?)[] items, SpopStatus expected)
    {
        Assert.That(TryRead(SpopProxy.HelloFrame(items), out var hello, out var error), Is.False);
        Assert.That(error.Status, Is.EqualTo(expected), error.Message);
        Assert.That(error.Message, Has.Length.InRange(20, SpopLimits.MaxDisconnectMessage));
        Assert.That(hello, Is.Null);
    }

    [Test]
    public void EveryTruncation_IsAnErrorOfHello()
    {
        var payload = Scan.Payload(SpopProxy.HelloFrame());
        var whole = new List<int>();
        for (var size = 0; size < payload.Length; size++)
        {
            if (SpopHello.TryRead(payload.AsSpan(0, size), out _, out var error))
            {
                whole.Add(size);
                continue;
            }

            Assert.That((int)error.Status, Is.InRange(4, 7), error.Message);
        }

        Assert.That(whole, Is.EqualTo(new[] { payload.Length - 48 }), "only the engine-id may be missing");
    }

    [TestCase(16_380u, SpopLimits.MaxFrameSize, 16_380)]
    [TestCase(256u, SpopLimits.MaxFrameSize, 256)]
    [TestCase(65_532u, 32_768, 32_768)]
    [TestCase(uint.MaxValue, SpopLimits.MaxFrameSize, SpopLimits.MaxFrameSize)]
    public void AgreedSize_IsTheOfferUpToOurCeiling(uint offered, int ceiling, int expected)
    {
        Assert.That(TryRead(SpopProxy.HelloFrame(offered), out var hello, out _), Is.True);
        Assert.That(hello!.Accept(ceiling, true).MaxFrameSize, Is.EqualTo(expected));
    }

    [TestCase("pipelining,async", true, "pipelining,fragmentation", Both)]
    [TestCase("pipelining,async", false, "pipelining", SpopCapabilities.Pipelining)]
    [TestCase("", true, "fragmentation", SpopCapabilities.Fragmentation)]
    [TestCase("async", false, "", SpopCapabilities.None)]
    public void Capabilities_ArePipeliningIfOfferedAndFragmentationIfTaken(
        string offered, bool fragments, string announced, SpopCapabilities expected)
    {
        Assert.That(TryRead(SpopProxy.HelloFrame(capabilities: offered), out var hello, out _), Is.True);
        var terms = hello!.Accept(SpopLimits.MaxFrameSize, fragments);
        Assert.That(terms.Capabilities, Is.EqualTo(expected));

        var bytes = Answer(terms);
        var frame = SpopAgentFrame.TryTake(ref bytes, 256)!;
        Assert.That(frame.Type, Is.EqualTo(SpopAgentFrame.Hello));
        Assert.That(frame.Items, Is.EquivalentTo(new Dictionary<string, object?>
        {
            ["version"] = "2.0",
            ["max-frame-size"] = 16_380u,
            ["capabilities"] = announced,
        }));
    }

    [Test]
    public void CeilingOutsideTheProtocol_IsOurError([Values(0, 255, SpopLimits.MaxFrameSize + 1)] int ceiling)
    {
        Assert.That(TryRead(SpopProxy.HelloFrame(), out var hello, out _), Is.True);
        Assert.Throws<ArgumentOutOfRangeException>(() => hello!.Accept(ceiling, true));
    }

    private static bool TryRead(byte[] frame, out SpopHello? hello, out SpopError error) =>
        SpopHello.TryRead(Scan.Payload(frame), out hello, out error);

    private static byte[] Answer(SpopTerms terms)
    {
        var output = new ArrayBufferWriter<byte>();
        terms.WriteHello(output);
        return output.WrittenSpan.ToArray();
    }
}
