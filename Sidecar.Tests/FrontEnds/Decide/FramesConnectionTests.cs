using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Decide;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Decide;

/// <summary>The frames of a raw connection, on pipes in memory.</summary>
internal sealed class FramesConnectionTests
{
    private const string Head = """{"phase":"request","request":{"method":"POST","path":"/p","body":{"truncated":false}}}""";

    [Test]
    public async Task Questions_InEveryFragmentationAreAnsweredInOrder()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await JsonHarness.StartAsync(agent);
        byte[] both = [.. Frame(Head, "one"), .. Frame("""{"phase":"request","request":{"method":"GET","path":"/second"}}""", "")];
        foreach (var fragmented in Fragmentation.All(both, randomCount: 8).Where(static (_, i) => i % 5 == 0))
        {
            await using var peer = new Peer(harness);
            foreach (var segment in fragmented.Sequence)
            {
                await peer.SendAsync(segment);
            }

            Assert.That((await peer.ReadAsync())!.Action(), Is.EqualTo("allow"), fragmented.Name);
            Assert.That((await peer.ReadAsync())!.Action(), Is.EqualTo("allow"), fragmented.Name);
        }

        Assert.That(agent.Seen.OfType<RequestBodyChunkEvent>().Select(static one => Events.Text(one.Data)).Distinct(), Is.EqualTo(new[] { "one" }));
    }

    [Test]
    public async Task WrongQuestion_InAWholeFrameLeavesTheConnection()
    {
        await using var harness = await JsonHarness.StartAsync();
        await using var peer = new Peer(harness);
        await peer.SendAsync(Frame("""{"phase":7}""", "ignored"));
        await peer.SendAsync(Frame(Head, "x"));

        Assert.That((await peer.ReadAsync())!.Action(), Is.EqualTo("malformed"));
        Assert.That((await peer.ReadAsync())!.Action(), Is.EqualTo("allow"));
        Assert.That(harness.Daemon.Sums.Of("exchanges"), Is.EqualTo(new[] { "http:json|all|not-subject|none=1", "http:json|none|refused|malformed=1" }));
    }

    [TestCase("GET / HTTP/1.1\r\n\r\n", "malformed", "the fifth byte is 0x2f")]
    [TestCase("\u0000\u0000\u0000\u0005\u0001\u0000\u0000\u0000", "malformed", "the fifth byte is 0x01")]
    [TestCase("\u0000\u0010\u0000\u0001{", "too-large", "the head of a frame has 1048577 bytes; at most 1048576 are taken")]
    [TestCase("\u00ff\u00ff\u00ff\u00ff{", "too-large", "has 4294967295 bytes")]
    [TestCase("\u0000\u0000\u0000\u0002{}\u0000\u0010\u0000\u0001", "too-large", "the body of a frame has 1048577 bytes; at most 1048576")]
    public async Task Garbage_IsNamedAndTheConnectionClosed(string bytes, string code, string message)
    {
        await using var harness = await JsonHarness.StartAsync();
        await using var peer = new Peer(harness);
        await peer.SendAsync(Encoding.Latin1.GetBytes(bytes));

        var error = (await peer.ReadAsync())!;
        Assert.That((error.Action(), (string?)error["error"]!["message"]), Is.EqualTo((code, error["error"]!["message"]!.ToString())));
        Assert.That((string?)error["error"]!["message"], Does.Contain(message));
        Assert.That(await peer.ReadAsync(), Is.Null, "closed");
        Assert.That(harness.Daemon.Sums.Sum("exchanges"), Is.EqualTo(1), "counted");
        Assert.That(harness.Daemon.BodyMemory.Used, Is.Zero);
    }

    [Test]
    public async Task HalfAFrame_ForTooLongIsNamedAndClosed()
    {
        var time = new FakeTimeProvider();
        await using var harness = await JsonHarness.StartAsync(new HarnessOptions { Time = time }, null);
        await using var peer = new Peer(harness);
        await peer.SendAsync(Frame(Head, "body").AsMemory(0, 40));
        var reading = peer.ReadAsync();
        await Eventually.TrueAsync(() => { time.Advance(TimeSpan.FromSeconds(1)); return reading.IsCompleted; }, TimeSpan.FromSeconds(30), "the error");

        Assert.That((await reading)!.Action(), Is.EqualTo("too-slow"));
        Assert.That(await peer.ReadAsync(), Is.Null);
        Assert.That(harness.Daemon.BodyMemory.Used, Is.Zero);
    }

    [Test]
    public async Task Idle_EndsWithTheListenersPatienceOrItsStop([Values] bool stops)
    {
        var time = new FakeTimeProvider();
        await using var harness = await JsonHarness.StartAsync(new HarnessOptions { Time = time }, null);
        await using var peer = new Peer(harness);
        await peer.SendAsync(Frame(Head, "x"));
        await peer.ReadAsync();
        var reading = peer.ReadAsync();
        if (stops)
        {
            await peer.StopAsync();
        }
        else
        {
            await Eventually.TrueAsync(() => { time.Advance(TimeSpan.FromMinutes(1)); return reading.IsCompleted; }, TimeSpan.FromSeconds(30), "the end");
        }

        Assert.That(await reading.WaitAsync(TimeSpan.FromSeconds(30)), Is.Null);
    }

    [Test]
    public async Task PeerGone_WhileAskedIsAbandoned()
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = static async (message, cancellation) =>
            {
                if (message is RequestHeadersEvent)
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }

                return AgentResponse.Allow;
            },
        };
        await using var harness = await JsonHarness.StartAsync(agent);
        await using var peer = new Peer(harness);
        await peer.SendAsync(Frame(Head, "x"));
        await agent.SeenAsync(1);
        await peer.LeaveAsync();

        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|abandoned|client-gone=1" }));
    }

    /// <summary>A frame.</summary>
    internal static byte[] Frame(string head, string body)
    {
        var (first, second) = (Encoding.UTF8.GetBytes(head), Encoding.UTF8.GetBytes(body));
        var frame = new byte[8 + first.Length + second.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, first.Length);
        first.CopyTo(frame, 4);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4 + first.Length), second.Length);
        second.CopyTo(frame, 8 + first.Length);
        return frame;
    }

    private sealed class Peer : IAsyncDisposable
    {
        private readonly CancellationTokenSource _gone = new();
        private readonly CancellationTokenSource _stopping = new();
        private readonly IDuplexPipe _pipe;
        private readonly Task _running;

        public Peer(JsonHarness harness)
        {
            var pair = new DuplexPipePair(PipeScheduler.ThreadPool);
            _pipe = pair.Far;
            var connection = new FramesConnection(
                harness.Options, harness.DecisionService, new LogThrottle(harness.Daemon.Time), harness.Daemon.Logs.CreateLogger("frames"));
            _running = connection.RunAsync(pair.Near, _gone.Token, _stopping.Token);
        }

        public async Task SendAsync(ReadOnlyMemory<byte> bytes) => await _pipe.Output.WriteAsync(bytes, CancellationToken.None);

        public Task LeaveAsync() => _gone.CancelAsync();

        public Task StopAsync() => _stopping.CancelAsync();

        /// <summary>The next answer; null at the end.</summary>
        public async Task<JsonNode?> ReadAsync()
        {
            var length = await _pipe.Input.ReadAtLeastAsync(4, CancellationToken.None);
            if (length.Buffer.Length < 4)
            {
                return null;
            }

            var bytes = new byte[4];
            System.Buffers.BuffersExtensions.CopyTo(length.Buffer.Slice(0, 4), bytes);
            _pipe.Input.AdvanceTo(length.Buffer.GetPosition(4));
            var size = BinaryPrimitives.ReadInt32BigEndian(bytes);
            var head = await _pipe.Input.ReadAtLeastAsync(size, CancellationToken.None);
            var text = Encoding.UTF8.GetString(System.Buffers.BuffersExtensions.ToArray(head.Buffer.Slice(0, size)));
            _pipe.Input.AdvanceTo(head.Buffer.GetPosition(size));
            return JsonNode.Parse(text);
        }

        public async ValueTask DisposeAsync()
        {
            await _stopping.CancelAsync();
            await _pipe.Output.CompleteAsync();
            await _running.WaitAsync(TimeSpan.FromSeconds(30), CancellationToken.None);
            _gone.Dispose();
            _stopping.Dispose();
        }
    }
}
