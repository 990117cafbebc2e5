using System.Net;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>Peers that break the rules are told which, and cost nobody else anything.</summary>
internal sealed class SpopHostileTests
{
    private static readonly byte[] TenBytesAndMore = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F];

    private static IEnumerable<TestCaseData> BeforeHello()
    {
        yield return Case("length 2^32-1", SpopStatus.FrameTooBig, [0xFF, 0xFF, 0xFF, 0xFF]);
        yield return Case("length 2^31", SpopStatus.FrameTooBig, [0x80, 0, 0, 0]);
        yield return Case("length above a HELLO's", SpopStatus.FrameTooBig, SpopBytes.UInt32(SpopLimits.MaxHelloLength + 1));
        yield return Case("length 0", SpopStatus.InvalidFrame, [0, 0, 0, 0]);
        yield return Case("NOTIFY before HELLO", SpopStatus.InvalidFrame, SpopAsk.Request());
        yield return Case("HTTP", SpopStatus.FrameTooBig, "GET / HTTP/1.1\r\n\r\n"u8.ToArray());
        yield return Case("no version", SpopStatus.VersionMissing, SpopProxy.HelloFrame(("max-frame-size", 16_380u), ("capabilities", "")));
        yield return Case("no size", SpopStatus.MaxFrameSizeMissing, SpopProxy.HelloFrame(("supported-versions", "2.0"), ("capabilities", "")));
        yield return Case("no capabilities", SpopStatus.CapabilitiesMissing, SpopProxy.HelloFrame(("supported-versions", "2.0"), ("max-frame-size", 16_380u)));
        yield return Case("version 1.0", SpopStatus.UnsupportedVersion, SpopProxy.HelloFrame(("supported-versions", "1.0"), ("max-frame-size", 16_380u), ("capabilities", "")));
        yield return Case("size 255", SpopStatus.BadMaxFrameSize, SpopProxy.HelloFrame(255));
        yield return Case("HELLO without FIN", SpopStatus.FragmentationNotSupported, SpopProxy.Frame(SpopProxy.Hello, 0, 0, 0, []));
    }

    private static IEnumerable<TestCaseData> AfterHello()
    {
        yield return Case("second HELLO", SpopStatus.InvalidFrame, SpopProxy.HelloFrame());
        yield return Case("length above the terms", SpopStatus.FrameTooBig, SpopBytes.UInt32(SpopProxy.DefaultMaxFrameSize + 1));
        yield return Case("unknown flags", SpopStatus.InvalidFrame, SpopProxy.Frame(SpopProxy.Notify, 4, 1, 1, []));
        yield return Case("varint of twelve bytes", SpopStatus.InvalidFrame, [.. SpopBytes.UInt32(5 + 13), 3, 0, 0, 0, 1, .. TenBytesAndMore, 1]);
        yield return Case("empty NOTIFY", SpopStatus.InvalidFrame, SpopProxy.Frame(SpopProxy.Notify, 1, 1, 1, []));
        yield return Case("name beyond the frame", SpopStatus.InvalidFrame, SpopProxy.Frame(SpopProxy.Notify, 1, 1, 1, [100, 1, 2]));
        yield return Case("data type 15", SpopStatus.InvalidFrame, SpopProxy.Frame(SpopProxy.Notify, 1, 1, 1, [1, 65, 1, 1, 66, 15]));
        yield return Case("fragment of nothing", SpopStatus.FrameIdNotFound, SpopProxy.Frame(SpopProxy.Unset, 1, 9, 9, [1]));
        yield return Case(
            "interlaced", SpopStatus.InterlacedFrames, [.. SpopProxy.Frame(SpopProxy.Notify, 0, 9, 1, [1]), .. SpopProxy.Frame(SpopProxy.Notify, 0, 9, 2, [1])]);
        yield return Case("an agent's frame", SpopStatus.InvalidFrame, SpopProxy.Frame(SpopAgentFrame.Ack, 1, 1, 1, []));
        yield return Case("too many fragmented messages", SpopStatus.ResourceAllocation,
            [.. Enumerable.Range(0, 9).SelectMany(static i => SpopProxy.Frame(SpopProxy.Notify, 0, (ulong)i, 1, [1]))]);
    }

    [TestCaseSource(nameof(BeforeHello))]
    public async Task BeforeHello_TheNamedStatusEndsIt(SpopStatus status, byte[] bytes)
    {
        await using var harness = await SpopHarness.StartAsync();
        var peer = harness.Open();

        await peer.SendAsync(bytes);

        Assert.That((await peer.GoodbyeAsync()).Status, Is.EqualTo((uint)status));
        await peer.EndAsync();
        Assert.That(peer.Connection.End.Reason, Is.EqualTo("violation"));
    }

    [TestCaseSource(nameof(AfterHello))]
    public async Task AfterHello_TheNamedStatusEndsIt_AndOthersGoOn(SpopStatus status, byte[] bytes)
    {
        await using var harness = await SpopHarness.StartAsync(new LambdaAgent("a"));
        var peer = await harness.GreetAsync();
        var other = await harness.GreetAsync();

        await peer.SendAsync(bytes);

        Assert.That((await peer.GoodbyeAsync()).Status, Is.EqualTo((uint)status));
        await peer.EndAsync();
        Assert.That(harness.Inspection.BodyMemory.Used, Is.Zero);
        Assert.That((await other.AskAsync(SpopAsk.Request()))["act"], Is.EqualTo("allow"));
    }

    [Test]
    public async Task FragmentWhereNoneWasAnnounced_IsToldSo()
    {
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions with { Fragments = SpopFragmentLimits.Off }, new LambdaAgent("a"));
        var peer = harness.Open();
        Assert.That((await peer.GreetAsync()).Items["capabilities"], Is.EqualTo("pipelining"));

        await peer.SendAsync(SpopProxy.Frame(SpopProxy.Notify, 0, 1, 1, [1]));

        Assert.That((await peer.GoodbyeAsync()).Status, Is.EqualTo((uint)SpopStatus.FragmentationNotSupported));
    }

    [TestCase(0u)]
    [TestCase(1u)]
    [TestCase(2u)]
    [TestCase(13u)]
    [TestCase(99u)]
    [TestCase(4242u)]
    public async Task EveryDisconnect_IsAnsweredAndEndsInOrder(uint code)
    {
        await using var harness = await SpopHarness.StartAsync();
        var peer = await harness.GreetAsync();

        await peer.SendAsync(SpopProxy.DisconnectFrame(code, "why"));

        Assert.That((await peer.GoodbyeAsync()).Status, Is.EqualTo((uint)SpopStatus.Normal));
        await peer.EndAsync();
        Assert.That(peer.Connection.End.Reason, Is.EqualTo("disconnected"));
        Assert.That(peer.Connection.End.Message, Does.Contain($"{code}").And.Contain("why"));
    }

    [Test]
    public async Task ArgumentsOfWrongTypes_RefuseTheRequest_NotTheConnection()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, new HarnessOptions { MaxExchanges = 1000 }, agent);
        var peer = await harness.GreetAsync();
        object?[] values = [null, true, 1, 2u, 3L, ulong.MaxValue, IPAddress.Loopback, IPAddress.IPv6Loopback, "text", new byte[] { 0xFF, 0 }];
        var names = SpopAsk.RequestArguments().Select(static argument => argument.Key).ToArray();
        var asked = 0;
        foreach (var value in values)
        {
            foreach (var name in names)
            {
                var arguments = SpopAsk.RequestArguments($"tx-{++asked}").Select(argument => argument.Key == name ? (name, value) : argument).ToArray();
                var answer = await peer.AskAsync(SpopProxy.NotifyFrame((ulong)asked, 1, "sidecar-request", arguments));
                Assert.That(answer["act"], Is.EqualTo("allow").Or.EqualTo("failed-closed"), $"{name} = {value}");
            }
        }

        Assert.That((await peer.AskAsync(SpopAsk.Request("last")))["act"], Is.EqualTo("allow"));
    }

    [Test]
    public async Task UnknownFrameType_IsSkipped()
    {
        await using var harness = await SpopHarness.StartAsync(new LambdaAgent("a"));
        var peer = await harness.GreetAsync();

        await peer.SendAsync(SpopProxy.Frame(77, 1, 0, 0, [1, 2, 3]));

        Assert.That((await peer.AskAsync(SpopAsk.Request()))["act"], Is.EqualTo("allow"));
    }

    [Test]
    public async Task EndInTheMiddleOfAFrame_HasAName()
    {
        await using var harness = await SpopHarness.StartAsync();
        var peer = await harness.GreetAsync();
        await peer.SendAsync(SpopAsk.Request()[..15]);

        await peer.CloseAsync();

        await peer.EndAsync();
        Assert.That(peer.Connection.End, Has.Property(nameof(SpopConnectionEnd.Reason)).EqualTo("broken").And.Property(nameof(SpopConnectionEnd.Message)).Contains("15 bytes"));
    }

    [Test]
    public async Task Violations_DoNotFillTheLog()
    {
        // The clock stands still: a minute later there would be a second line.
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, new HarnessOptions { Time = new FakeTimeProvider() });
        for (var i = 0; i < 20; i++)
        {
            var peer = harness.Open();
            await peer.SendAsync([0xFF, 0xFF, 0xFF, 0xFF]);
            await peer.EndAsync();
        }

        Assert.That(
            harness.Inspection.Logs.Collector.GetSnapshot().Count(static entry => entry.Level == Microsoft.Extensions.Logging.LogLevel.Warning), Is.EqualTo(1));
    }

    private static TestCaseData Case(string name, SpopStatus status, byte[] bytes) => new TestCaseData(status, bytes).SetArgDisplayNames(name);
}
