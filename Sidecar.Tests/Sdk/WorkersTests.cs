using NUnit.Framework;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

/// <summary>How many events are with the handler at once, and in which order the others come to it.</summary>
internal sealed class WorkersTests : WorkersFixture
{
    [Test]
    public async Task Bound_HoldsOverAllConnections_AndEveryEventIsAnswered([Values] bool isInline)
    {
        const int Workers = 3;
        const int Each = 40;
        await StartAsync(Workers, options => options with { HandlerNeverBlocks = isInline });
        var peers = new List<AgentPeer>();
        for (var i = 0; i < 8; i++)
        {
            peers.Add(await ConnectAsync());
            await SendAsync(peers[i], Enumerable.Range((i * Each) + 1, Each));
        }

        await OutstandingAsync(8 * Each);
        await CancelTests.StartedAsync(Handler, Workers);
        Assert.That(Handler.Calls, Has.Count.EqualTo(Workers));

        Release();
        for (var i = 0; i < 8; i++)
        {
            Assert.That(await ReadAsync(peers[i], Each), Is.EquivalentTo(Enumerable.Range((i * Each) + 1, Each)));
        }

        Assert.That((Most, Handler.Calls.Count), Is.EqualTo((Workers, 8 * Each)));
    }

    [Test]
    public async Task Exchanges_AreServedInTheOrderOfTheirEvents_AndEachByOneWorker()
    {
        await StartAsync(workers: 1);
        var peer = await ConnectAsync();
        await SendAsync(peer, 1, 2, 2, 3, 1, 4, 2, 5);
        await OutstandingAsync(8);

        Release();
        Assert.That(await ReadAsync(peer, 8), Is.EqualTo(new[] { 1, 2, 3, 4, 5, 1, 2, 2 }).Or.EqualTo(new[] { 1, 2, 3, 4, 5, 2, 1, 2 }));
        Assert.That(Most, Is.EqualTo(1));
    }

    [Test]
    public async Task ConnectionWithMuchToDo_DoesNotStarveAnother()
    {
        await StartAsync(workers: 1);
        var busy = await ConnectAsync();
        await SendAsync(busy, Enumerable.Range(1, 1000));
        await OutstandingAsync(1000);
        var other = await ConnectAsync();
        await SendAsync(other, Enumerable.Range(2001, 5));
        await OutstandingAsync(1005);

        Release();
        Assert.That(await ReadAsync(other, 5), Is.EqualTo(Enumerable.Range(2001, 5)));
        Assert.That(await ReadAsync(busy, 1000), Is.EqualTo(Enumerable.Range(1, 1000)));
        int[] turns = [1, 2, 2001, 3, 2002, 4, 2003, 5, 2004, 6, 2005, 7];
        Assert.That(Handled.Take(turns.Length), Is.EqualTo(turns));
    }

    [Test]
    public async Task PeerThatNeverReads_TakesNoWorkerFromOthers()
    {
        Release();
        await StartAsync(workers: 1, options => options with
        {
            Connection = options.Connection with { MaxUnsentBytes = 1000 },
            MaxOutstandingEvents = 50,
        });
        var flood = await ConnectAsync();
        var message = SampleEvents.Request(Id(7));
        var frame = Wire.Frame(message.Type, Encodings.AnyMessage.Write(flood.Encoding, message));
        byte[] frames = [.. Enumerable.Repeat(frame, 100_000).SelectMany(static bytes => bytes)];
        var sending = flood.Output.WriteAsync(frames).AsTask();
        await Eventually.TrueAsync(() => Outstanding == 51, Wire.Limit, "the flood to be read no further");

        var other = await ConnectAsync();
        for (var i = 1; i <= 20; i++)
        {
            await SendAsync(other, i);
            Assert.That(await ReadAsync(other, 1), Is.EqualTo(new[] { i }));
        }

        Assert.That(Outstanding, Is.LessThanOrEqualTo(52));
        Assert.That(sending.IsCompleted, Is.False, "the rest is left to the peer");
    }

    [Test]
    public async Task WorkersThatHang_AreReportedOnce_AndNotWhileOneBecomesFree()
    {
        await StartAsync(workers: 2);
        var peer = await ConnectAsync();
        await SendAsync(peer, 1, 2, 3, 4);
        await OutstandingAsync(4);
        Assert.That(Reports(), Is.Empty);
        for (var i = 0; i < 3; i++)
        {
            Time.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.That(Reports(), Is.EqualTo(new[]
        {
            "all 2 workers have been busy for 00:00:10 without one becoming free, and 2 events wait: "
            + "handlers hang, or there are too few workers for what they wait for; 0 more since the last such line",
        }));
        Release();
        await ReadAsync(peer, 4);
        Time.Advance(TimeSpan.FromSeconds(70));
        Assert.That((Reports().Count(), Time.ActiveTimers), Is.EqualTo((1, 0)), "nothing waits, nothing is watched");
    }

    [Test]
    public async Task NumberOfWorkers_IsChecked([Values(0, -1, AgentConnectionOptions.MostWorkers + 1)] int workers)
    {
        await StartAsync(workers: 1);
        var capabilities = AgentHarness.Capabilities;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                () => new AgentServer(Handler, new AgentServerOptions { Capabilities = capabilities, SocketPath = "x", Workers = workers }),
                Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(
                () => new ReverseAgent(
                    Handler, new ReverseAgentOptions { Capabilities = capabilities, AgentId = "x", SocketPath = "x", Workers = workers }),
                Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(
                () => new GrpcAgentServer(
                    Handler,
                    new GrpcAgentServerOptions { Capabilities = capabilities, EndPoint = new System.Net.IPEndPoint(0, 0), Workers = workers }),
                Throws.InstanceOf<ArgumentOutOfRangeException>());
        }
    }

    private IEnumerable<string> Reports() =>
        Logs.Collector.GetSnapshot().Where(static line => line.Id.Id == 116).Select(static line => line.Message);
}
