using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>Frames of which only a part has come: what they hold is bounded over all connections, and costs nobody who behaves.</summary>
internal sealed class SpopPartialFrameTests
{
    private const uint FrameSize = 65_532;
    private const int Free = SpopListenerOptions.FreePartialBytes;

    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    // A request that needs a frame of more than the free bytes.
    private static byte[] Long => SpopAsk.Request(method: "POST", headers: [("content-length", "50000")], body: new byte[50_000]);

    [Test]
    public async Task BeginningOfALongFrame_IsCharged_UntilTheFrameIsThere()
    {
        await using var harness = await SpopHarness.StartAsync(new LambdaAgent("a"));
        var peer = await harness.GreetAsync(FrameSize);
        var frame = Long;

        await peer.SendAsync(frame[..40_000]);
        await ChargedAsync(harness, 40_000 - Free);
        await peer.SendAsync(frame[40_000..]);

        Assert.That((await peer.AnswerAsync())["act"], Is.EqualTo("allow"));
        await ChargedAsync(harness, 0);
    }

    [Test]
    public async Task BeginningOfAnOrdinaryFrame_IsFree()
    {
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions with { MaxPartialBytes = 1 }, new LambdaAgent("a"));
        var peer = await harness.GreetAsync();
        var frame = SpopAsk.Request(method: "POST", headers: [("content-length", "15900")], body: new byte[15_900]);

        foreach (var piece in frame.Chunk(1000))
        {
            await peer.SendAsync(piece);
        }

        Assert.That((await peer.AnswerAsync())["act"], Is.EqualTo("allow"));
        Assert.That(harness.FrontEnd.PartialFrames.Used, Is.Zero);
    }

    [Test]
    public async Task OneBeginningTooMany_IsToldSo_AndTheOthersGoOn()
    {
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions with { MaxPartialBytes = 50_000 }, new LambdaAgent("a"));
        var (first, second, other) = (await harness.GreetAsync(FrameSize), await harness.GreetAsync(FrameSize), await harness.GreetAsync());
        var frame = Long;
        await first.SendAsync(frame[..40_000]);
        await ChargedAsync(harness, 40_000 - Free);

        await second.SendAsync(frame[..45_000]);

        var (status, message) = await second.GoodbyeAsync();
        Assert.That(status, Is.EqualTo((uint)SpopStatus.ResourceAllocation));
        Assert.That(message, Does.Contain("50000").And.Contain("unfinished frame"));
        await second.EndAsync();
        await ChargedAsync(harness, 40_000 - Free);
        Assert.That((await other.AskAsync(SpopAsk.Request()))["act"], Is.EqualTo("allow"));
        await first.SendAsync(frame[40_000..]);
        Assert.That((await first.AnswerAsync())["act"], Is.EqualTo("allow"));
    }

    [Test]
    public async Task PeerThatStallsInALongFrame_GivesItsShareBackAtTheDeadline()
    {
        var time = new FakeTimeProvider();
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, new HarnessOptions { Time = time });
        var peer = await harness.GreetAsync(FrameSize);
        await peer.SendAsync(Long[..30_000]);
        await ChargedAsync(harness, 30_000 - Free);

        // When the second piece is charged, the first one's time has begun.
        await peer.SendAsync(Long[30_000..40_000]);
        await ChargedAsync(harness, 40_000 - Free);

        time.Advance(harness.Options.FrameTimeout);
        peer.Connection.Look();

        Assert.That((await peer.GoodbyeAsync()).Status, Is.EqualTo((uint)SpopStatus.Timeout));
        await peer.EndAsync();
        await ChargedAsync(harness, 0);
    }

    [Test]
    public async Task PeerGoneInALongFrame_GivesItsShareBack()
    {
        await using var harness = await SpopHarness.StartAsync();
        var peer = await harness.GreetAsync(FrameSize);
        await peer.SendAsync(Long[..40_000]);
        await ChargedAsync(harness, 40_000 - Free);

        await peer.CloseAsync();

        await peer.EndAsync();
        Assert.That(harness.FrontEnd.PartialFrames.Used, Is.Zero);
    }

    [Test]
    public async Task LargestFrame_PassesWhileOthersStall()
    {
        await using var harness = await SpopHarness.StartAsync(new LambdaAgent("a"));
        var peer = await harness.GreetAsync(SpopLimits.MaxFrameSize);
        foreach (var _ in Enumerable.Range(0, 20))
        {
            var stalled = await harness.GreetAsync(SpopLimits.MaxFrameSize);
            await stalled.SendAsync(SpopBytes.UInt32(SpopLimits.MaxFrameSize));
            await stalled.SendAsync(new byte[500_000]);
        }

        var body = new byte[900_000];
        var answer = await peer.AskAsync(SpopAsk.Request(method: "POST", headers: [("content-length", "900000")], body: body));

        Assert.That(answer["act"], Is.EqualTo("allow"));
        await ChargedAsync(harness, 20 * (500_004L - Free));
    }

    private static Task ChargedAsync(SpopHarness harness, long bytes) =>
        Eventually.TrueAsync(() => harness.FrontEnd.PartialFrames.Used == bytes, Generous, $"{bytes} bytes of unfinished frames");
}
