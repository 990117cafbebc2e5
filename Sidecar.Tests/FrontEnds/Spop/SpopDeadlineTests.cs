using NUnit.Framework;
using Sidecar.Protocol.Sdk;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>Peers that are too slow: with HELLO, with a frame, with nothing at all, with reading.</summary>
internal sealed class SpopDeadlineTests
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    [Test]
    public async Task NoHello_EndsTheConnectionAtItsDeadline()
    {
        var time = new FakeTimeProvider();
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, new HarnessOptions { Time = time });
        var peer = harness.Open();

        time.Advance(harness.Options.HelloTimeout - TimeSpan.FromMilliseconds(1));
        peer.Connection.Look();
        await peer.SendAsync(SpopProxy.HelloFrame()[..10]);
        Assert.That(peer.Connection.End.Reason, Is.EqualTo("closed"), "not ended yet");
        time.Advance(TimeSpan.FromMilliseconds(1));
        peer.Connection.Look();

        Assert.That((await peer.GoodbyeAsync()).Status, Is.EqualTo((uint)SpopStatus.Timeout));
    }

    [Test]
    public async Task SlowDrip_EndsTheConnection_NotTheOthers()
    {
        var time = new FakeTimeProvider();
        var options = SpopHarness.DefaultOptions with { FrameTimeout = TimeSpan.FromSeconds(10) };
        await using var harness = await SpopHarness.StartAsync(options, new HarnessOptions { Time = time }, new LambdaAgent("a"));
        var drip = await harness.GreetAsync();
        var other = await harness.GreetAsync();
        await drip.SendAsync(SpopAsk.Request()[..20]);
        var frame = SpopAsk.Request();
        for (var i = 0; drip.Connection.End.Reason != "timeout"; i++)
        {
            // It counts from when the loop has seen the first piece, which may be later than the first second.
            Assert.That(i, Is.LessThan(1000), "the drip goes on for ever");
            await drip.SendAsync(i < 10 ? frame[(20 + i)..(21 + i)] : []);
            await other.AskAsync(SpopAsk.Request($"tx-{i % 50}"));
            drip.Connection.Look();
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.That((await drip.GoodbyeAsync()).Status, Is.EqualTo((uint)SpopStatus.Timeout));
        Assert.That((await other.AskAsync(SpopAsk.Request("tx-last")))["act"], Is.EqualTo("allow"));
    }

    [Test]
    public async Task Idle_EndsTheConnectionAfterItsTime()
    {
        var time = new FakeTimeProvider();
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, new HarnessOptions { Time = time }, new LambdaAgent("a"));
        var peer = await harness.GreetAsync();
        await peer.AskAsync(SpopAsk.Request());
        await Eventually.TrueAsync(() => peer.Connection.InFlight == 0, Generous, "the end of the turn");

        time.Advance(harness.Options.IdleTimeout);

        Assert.That(await LookUntilGoneAsync(peer), Is.EqualTo((uint)SpopStatus.Timeout));
    }

    [Test]
    public async Task PeerThatDoesNotRead_IsCutOff()
    {
        var page = new string('x', 10_000);
        await using var agent = LambdaAgent.That("a", Answer.Block(403).WithBody(page));
        var options = SpopHarness.DefaultOptions with { MaxUnsent = 64 * 1024, WriteTimeout = TimeSpan.FromMilliseconds(200) };
        await using var harness = await SpopHarness.StartAsync(options, agent);
        var peer = harness.Open();
        await peer.GreetAsync();

        // Nothing is read from here on.
        await peer.SendAsync(Enumerable.Range(0, 100).Select(static i => SpopAsk.Request($"tx-{i}", stream: (ulong)i)));

        await Eventually.TrueAsync(
            () =>
            {
                peer.Connection.Look();
                return peer.Connection.End.Reason == "not-reading";
            },
            Generous,
            "the end of a session whose peer does not read");
        await peer.EndAsync();
        await harness.Inspection.EndedAsync();
        Assert.That(harness.FrontEnd.Waiting, Is.Zero);
    }

    private static async Task<uint> LookUntilGoneAsync(SpopPeer peer)
    {
        peer.Connection.Look();
        return (await peer.GoodbyeAsync()).Status;
    }
}
