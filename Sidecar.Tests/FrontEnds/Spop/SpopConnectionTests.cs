using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>The life of a connection: HELLO, many messages at once, the ends that HAProxy and we can choose.</summary>
internal sealed class SpopConnectionTests
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    [Test]
    public async Task Hello_IsAnsweredWithTheSizeOffered()
    {
        await using var harness = await SpopHarness.StartAsync();
        var peer = harness.Open();

        var hello = await peer.GreetAsync(65_532);

        Assert.That(hello.Items, Is.EquivalentTo(new Dictionary<string, object?>
        {
            ["version"] = "2.0",
            ["max-frame-size"] = 65_532u,
            ["capabilities"] = "pipelining,fragmentation",
        }));
    }

    [Test]
    public async Task HealthCheck_IsAnsweredAndTheConnectionEnds()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = harness.Open();

        await peer.SendAsync(SpopProxy.HealthCheckFrame());

        Assert.That((await peer.ReceiveAsync())!.Type, Is.EqualTo(SpopAgentFrame.Hello));
        Assert.That(await peer.ReceiveAsync(), Is.Null);
        await peer.EndAsync();
        Assert.That(peer.Connection.End.Reason, Is.EqualTo("health-check"));
        Assert.That(agent.Seen, Is.Empty);
    }

    [Test]
    public async Task Notify_IsAnsweredUnderItsIds([Values(0ul, 1ul, 300ul, ulong.MaxValue)] ulong stream, [Values(1ul, 264_432ul)] ulong frame)
    {
        await using var harness = await SpopHarness.StartAsync(new LambdaAgent("a"));
        var peer = await harness.GreetAsync();

        await peer.SendAsync(SpopProxy.NotifyFrame(stream, frame, "sidecar-request", SpopAsk.RequestArguments()));

        var ack = await peer.ReceiveAsync();
        Assert.That((ack!.StreamId, ack.FrameId), Is.EqualTo((stream, frame)));
        Assert.That(SpopPeer.Variables(ack)["act"], Is.EqualTo("allow"));
    }

    [Test]
    public async Task ManyAtOnce_AreAnsweredAsTheyFinish()
    {
        var slow = new TaskCompletionSource<AgentResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var agent = new LambdaAgent("a")
        {
            Answers = (message, _) => message is RequestHeadersEvent { Uri: "/slow" } ? new(slow.Task) : new(AgentResponse.Allow),
        };
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();

        await peer.SendAsync(Enumerable.Range(0, 50).Select(static i => SpopAsk.Request($"tx-{i}", i == 0 ? "/slow" : "/fast", stream: (ulong)i)));

        var early = new List<ulong>();
        for (var i = 1; i < 50; i++)
        {
            early.Add((await peer.ReceiveAsync())!.StreamId);
        }

        slow.SetResult(AgentResponse.Allow);
        Assert.That((await peer.ReceiveAsync())!.StreamId, Is.Zero, "the slow one comes last");
        Assert.That(early, Is.EquivalentTo(Enumerable.Range(1, 49)));
    }

    [Test]
    public async Task MoreThanTheBoundInWork_AreReadLater()
    {
        var gate = new TaskCompletionSource<AgentResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var agent = new LambdaAgent("a") { Answers = (message, _) => message is RequestHeadersEvent ? new(gate.Task) : new(AgentResponse.Allow) };
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions with { MaxInFlight = 3 }, agent);
        var peer = await harness.GreetAsync();

        await peer.SendAsync(Enumerable.Range(0, 10).Select(static i => SpopAsk.Request($"tx-{i}", stream: (ulong)i)));
        await agent.SeenAsync(3);

        Assert.That(peer.Connection.InFlight, Is.EqualTo(3));
        gate.SetResult(AgentResponse.Allow);
        for (var i = 0; i < 10; i++)
        {
            Assert.That((await peer.AnswerAsync())["act"], Is.EqualTo("allow"));
        }
    }

    [Test]
    public async Task EveryFragmentationOfTheStream_IsTheSame()
    {
        await using var harness = await SpopHarness.StartAsync(new LambdaAgent("a"));
        byte[] bytes = [.. SpopProxy.HelloFrame(), .. SpopAsk.Request()];
        foreach (var size in (int[])[1, 2, 3, 7, bytes.Length - 1])
        {
            var peer = harness.Open();
            foreach (var piece in bytes.Chunk(size))
            {
                await peer.SendAsync(piece);
            }

            Assert.That((await peer.ReceiveAsync())!.Type, Is.EqualTo(SpopAgentFrame.Hello));
            Assert.That((await peer.AnswerAsync())["act"], Is.EqualTo("allow"));
        }
    }

    [Test]
    public async Task FragmentedMessage_IsJoined()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();
        var body = Enumerable.Range(0, 40_000).Select(static i => (byte)i).ToArray();
        var payload = SpopProxy.Message("sidecar-request", SpopAsk.RequestArguments(method: "POST", headers: [("content-length", "40000")], body: body));

        await peer.SendAsync(SpopProxy.Fragments(7, 1, payload, 16_000));

        Assert.That((await peer.AnswerAsync())["act"], Is.EqualTo("allow"));
        Assert.That(agent.Seen.OfType<RequestBodyChunkEvent>().SelectMany(static chunk => chunk.Data.ToArray()), Is.EqualTo(body));
        await AllGivenBackAsync(harness);
    }

    [Test]
    public async Task AbortedFragments_AreDroppedAndTheConnectionGoesOn()
    {
        await using var harness = await SpopHarness.StartAsync(new LambdaAgent("a"));
        var peer = await harness.GreetAsync();
        await peer.SendAsync(SpopProxy.Frame(SpopProxy.Notify, 0, 7, 1, new byte[1000]));
        await peer.SendAsync(SpopProxy.AbortFrame(7, 1));

        Assert.That((await peer.AskAsync(SpopAsk.Request()))["act"], Is.EqualTo("allow"));
        await AllGivenBackAsync(harness);
    }

    [Test]
    public async Task FragmentsBeyondTheBound_AreAnsweredWithARefusal()
    {
        var options = SpopHarness.DefaultOptions with { Fragments = new SpopFragmentLimits { MaxMessageBytes = 10_000 } };
        await using var harness = await SpopHarness.StartAsync(options, new LambdaAgent("a"));
        var peer = await harness.GreetAsync();
        var payload = SpopProxy.Message("sidecar-request", SpopAsk.RequestArguments(body: new byte[20_000]));

        await peer.SendAsync(SpopProxy.Fragments(7, 1, payload, 4000));

        var answer = await peer.AnswerAsync();
        Assert.That((answer["act"], answer["ract"], answer["cause"], answer["status"]), Is.EqualTo(("failed-closed", "failed-closed", "too-large", 413u)));
        Assert.That(await harness.Inspection.EndedAsync(), Is.EqualTo(new[] { "spop:test|none|refused|too-large=1" }));
    }

    [Test]
    public async Task FragmentsBeyondTheDaemonsMemory_AreAnsweredWithARefusal()
    {
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, new HarnessOptions { BodyMemory = 20_000 }, new LambdaAgent("a"));
        var peer = await harness.GreetAsync();

        await peer.SendAsync(SpopProxy.Fragments(7, 1, SpopProxy.Message("sidecar-request", SpopAsk.RequestArguments(body: new byte[30_000])), 8000));

        var answer = await peer.AnswerAsync();
        Assert.That((answer["act"], answer["cause"]), Is.EqualTo(("failed-closed", "body-memory")));
        await AllGivenBackAsync(harness);
    }

    [Test]
    public async Task Disconnect_IsAnsweredAndEndsTheConnection()
    {
        await using var harness = await SpopHarness.StartAsync();
        var peer = await harness.GreetAsync();

        await peer.SendAsync(SpopProxy.DisconnectFrame(2, "a timeout occurred"));

        Assert.That((await peer.GoodbyeAsync()).Status, Is.EqualTo((uint)SpopStatus.Normal));
        await peer.EndAsync();
        Assert.That(peer.Connection.End.Reason, Is.EqualTo("disconnected"));
    }

    [Test]
    public async Task Stop_AnswersWhatIsInWorkAndSaysGoodbye()
    {
        var gate = new TaskCompletionSource<AgentResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var agent = new LambdaAgent("a") { Answers = (message, _) => message is RequestHeadersEvent ? new(gate.Task) : new(AgentResponse.Allow) };
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();
        await peer.SendAsync(SpopAsk.Request());
        await agent.SeenAsync(1);

        peer.Connection.Stop();
        gate.SetResult(AgentResponse.Allow);

        Assert.That((await peer.AnswerAsync())["act"], Is.EqualTo("allow"));
        Assert.That((await peer.GoodbyeAsync()).Status, Is.EqualTo((uint)SpopStatus.Normal));
        await peer.EndAsync();
    }

    [Test]
    public async Task ConnectionGone_AbandonsWhatIsInWork()
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var agent = new LambdaAgent("a")
        {
            Answers = async (message, cancellation) =>
            {
                if (message is RequestHeadersEvent)
                {
                    await using var registration = cancellation.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), cancelled);
                    await cancelled.Task;
                }

                return AgentResponse.Allow;
            },
        };
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();
        await peer.SendAsync(SpopAsk.Request());
        await agent.SeenAsync(1);

        await peer.CloseAsync();

        await cancelled.Task.WaitAsync(Generous);
        await peer.EndAsync();
        Assert.That(await harness.Inspection.EndedAsync(), Is.EqualTo(new[] { "spop:test|all|abandoned|client-gone=1" }));
        Assert.That(harness.FrontEnd.Waiting, Is.Zero);
    }

    // What a message held is given back after its answer.
    private static Task AllGivenBackAsync(SpopHarness harness) =>
        Eventually.TrueAsync(() => harness.Inspection.BodyMemory.Used == 0, Generous, "the memory of messages");
}
