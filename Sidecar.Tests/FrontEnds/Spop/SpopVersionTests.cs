using NUnit.Framework;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>
/// HAProxy's versions, played by a script from what is known of them (proxy integration §1.1, §1.5): the applets up to 3.0, the multiplexer since 3.1.
/// </summary>
/// <remarks>
/// What each of them takes of our frames is checked by <see cref="SpopAgentFrame"/>: FIN and no other flag, ids 0/0 outside of an ACK, never an empty ACK.
/// </remarks>
[TestFixture("2.2 to 3.0", "pipelining,async", new ulong[] { 0, 7, 300 }, new ulong[] { 1, 2, 1 })]
[TestFixture("1.8 to 2.0", "pipelining", new ulong[] { 4, 5, 6 }, new ulong[] { 1, 1, 1 })]
[TestFixture("3.1 and newer", "pipelining", new ulong[] { 1, 3, 5 }, new ulong[] { 1, 1, 1 })]
[TestFixture("without pipelining", "", new ulong[] { 1, 2, 3 }, new ulong[] { 1, 1, 1 })]
internal sealed class SpopVersionTests(string version, string capabilities, ulong[] streams, ulong[] frames)
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    private bool IsMultiplexer => version.StartsWith("3.1", StringComparison.Ordinal);

    [Test]
    public async Task Hello_IsAnsweredAtOnce_WithoutAsync([Values(256u, 16_380u, 65_532u, 1_048_572u)] uint size)
    {
        // Nobody but us is needed for it: no agent is there.
        await using var agent = new LambdaAgent("a") { IsAbsent = true };
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = harness.Open();

        await peer.SendAsync(SpopProxy.HelloFrame(size, capabilities));

        var hello = await peer.ReceiveAsync();
        Assert.That(hello!.Type, Is.EqualTo(SpopAgentFrame.Hello));
        Assert.That((hello.Items["version"], hello.Items["max-frame-size"]), Is.EqualTo(("2.0", size)));
        Assert.That(((string)hello.Items["capabilities"]!).Split(','), Has.None.EqualTo("async"));
        Assert.That(((string)hello.Items["capabilities"]!).Contains("pipelining", StringComparison.Ordinal), Is.EqualTo(capabilities.Length > 0));
    }

    [Test]
    public async Task Ids_ComeBackAsTheyWere()
    {
        await using var harness = await SpopHarness.StartAsync(new LambdaAgent("a"));
        var peer = harness.Open();
        await peer.SendAsync(SpopProxy.HelloFrame(SpopProxy.DefaultMaxFrameSize, capabilities));
        await peer.ReceiveAsync();

        var seen = new List<(ulong, ulong)>();
        for (var i = 0; i < streams.Length; i++)
        {
            await peer.SendAsync(SpopProxy.NotifyFrame(streams[i], frames[i], "sidecar-request", SpopAsk.RequestArguments($"tx-{i}")));
            var ack = await peer.ReceiveAsync();
            Assert.That(SpopPeer.Variables(ack)["act"], Is.EqualTo("allow"));
            seen.Add((ack!.StreamId, ack.FrameId));
        }

        Assert.That(seen, Is.EqualTo(streams.Zip(frames)));
    }

    [Test]
    public async Task End_IsUnderstood_WhicheverWayItGoes()
    {
        await using var harness = await SpopHarness.StartAsync(new LambdaAgent("a"));
        var peer = harness.Open();
        await peer.SendAsync(SpopProxy.HelloFrame(SpopProxy.DefaultMaxFrameSize, capabilities));
        await peer.ReceiveAsync();
        await peer.AskAsync(SpopAsk.Request());
        await Eventually.TrueAsync(() => peer.Connection.InFlight == 0, Generous, "the end of the turn");

        if (IsMultiplexer)
        {
            // Idle connections are closed by the pool, without a word.
            await peer.CloseAsync();
            Assert.That(await peer.ReceiveAsync(), Is.Null, "who has gone is told nothing");
        }
        else
        {
            await peer.SendAsync(SpopProxy.DisconnectFrame(2, "a timeout occurred"));
            Assert.That((await peer.GoodbyeAsync()).Status, Is.EqualTo((uint)SpopStatus.Normal));
        }

        await peer.EndAsync();
        Assert.That(peer.Connection.End.Reason, Is.EqualTo(IsMultiplexer ? "closed" : "disconnected"));
    }

    [Test]
    public async Task HealthCheck_IsAnswered_WhateverTheBuffer()
    {
        await using var harness = await SpopHarness.StartAsync();
        var peer = harness.Open();

        await peer.SendAsync(SpopProxy.HealthCheckFrame());

        // The check of 3.2 and newer offers 16,380 whatever tune.bufsize is.
        Assert.That((await peer.ReceiveAsync())!.Items["max-frame-size"], Is.EqualTo(16_380u));
        Assert.That(await peer.ReceiveAsync(), Is.Null);
    }
}
