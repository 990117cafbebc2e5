using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Decide;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Decide;

/// <summary>The front end over real sockets: what HTTP adds to questions, and what it says when there is no decision.</summary>
internal sealed class JsonSocketTests
{
    [Test]
    public async Task Decide_AnswersWithItsLength()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await ListeningAsync(agent);
        using var client = UnixHttp.Client(harness.HttpPath);
        using var request = Post("/v1/decide?x=1", Questions.Request("t", body: Questions.Body("b")));
        request.Headers.Add("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");

        using var answer = await client.SendAsync(request);

        Assert.That(((int)answer.StatusCode, answer.Content.Headers.ContentType!.MediaType), Is.EqualTo((200, "application/json")));
        Assert.That(answer.Content.Headers.ContentLength, Is.EqualTo((await answer.Content.ReadAsByteArrayAsync()).Length));
        Assert.That(answer.Headers.TransferEncodingChunked, Is.Null);
        Assert.That(JsonNode.Parse(await answer.Content.ReadAsStringAsync())!.Action(), Is.EqualTo("allow"));
        Assert.That(((RequestHeadersEvent)agent.Seen[0]).Metadata.Traceparent, Does.StartWith("00-4bf92f"));
    }

    [Test]
    public async Task Decide_TakesChunkedQuestionsAndFrames()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await ListeningAsync(agent);
        using var client = UnixHttp.Client(harness.HttpPath);
        using var chunked = Post("/v1/decide", Questions.Request(body: Questions.Body(new string('x', 200_000))));
        chunked.Headers.TransferEncodingChunked = true;
        using var first = await client.SendAsync(chunked);
        Assert.That(JsonNode.Parse(await first.Content.ReadAsStringAsync())!.Action(), Is.EqualTo("allow"));

        using var framed = new HttpRequestMessage(HttpMethod.Post, "http://sidecar/v1/decide")
        {
            Content = new ByteArrayContent(FramesConnectionTests.Frame("""{"phase":"request","request":{"method":"POST","path":"/","body":{"truncated":false}}}""", "frame")),
        };
        framed.Content.Headers.ContentType = new MediaTypeHeaderValue("application/vnd.sidecar.frame");
        using var second = await client.SendAsync(framed);
        Assert.That(second.Content.Headers.ContentType!.MediaType, Is.EqualTo("application/vnd.sidecar.frame"));
        Assert.That(JsonNode.Parse((await second.Content.ReadAsByteArrayAsync()).AsSpan(4))!.Action(), Is.EqualTo("allow"));
        Assert.That(agent.Seen.OfType<RequestBodyChunkEvent>().Select(static one => one.Data.Length), Is.EqualTo(new[] { 200_000, 5 }));
        await Eventually.TrueAsync(() => harness.Daemon.BodyMemory.Used == 0, TimeSpan.FromSeconds(30), "the memory of questions");
    }

    [TestCase("POST", "/v1/decide", "no", 400, "malformed")]
    [TestCase("POST", "/v1/audit", "{}", 400, "malformed")]
    [TestCase("POST", "/v1/mirror", "{}", 400, "malformed")]
    [TestCase("GET", "/v1/decide", "", 405, "method")]
    [TestCase("POST", "/v1/../v1/decide", "{}", 404, "unknown-path")]
    public async Task Errors_HaveAStatusAndACode(string method, string path, string body, int status, string code)
    {
        await using var harness = await ListeningAsync();
        var answer = await UnixHttp.ExchangeAsync(
            harness.HttpPath, $"{method} {path} HTTP/1.1\r\nHost: s\r\nConnection: close\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        Assert.That(answer, Does.StartWith($"HTTP/1.1 {status} ").And.Contain($"{{\"error\":{{\"code\":\"{code}\""));
        Assert.That(harness.Daemon.Sums.Sum("exchanges"), Is.EqualTo(status == 400 ? 1 : 0), "a question counts, a stray request does not");
    }

    [TestCase("Content-Length: 999999999\r\n\r\n")]
    [TestCase("Transfer-Encoding: chunked\r\n\r\n")]
    public async Task TooLarge_IsSaidWithTheLimitAndTheConnectionCloses(string end)
    {
        var options = new JsonListenerOptions { Name = "http:json", MaxHeadBytes = 1000, MaxBodyBytes = static () => 3000 };
        await using var harness = await JsonHarness.StartAsync(new HarnessOptions(), options);
        await harness.ListenAsync();
        var chunks = end.StartsWith('T') ? string.Concat(Enumerable.Repeat($"400\r\n{new string('x', 1024)}\r\n", 6)) : "";

        // The server waits a while for the rest before it closes, so only the answer is waited for.
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(harness.HttpPath));
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /v1/decide HTTP/1.1\r\nHost: s\r\n{end}{chunks}"));
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var answer = "";
        while (!answer.EndsWith("}}", StringComparison.Ordinal) && reader.Read() is >= 0 and var next)
        {
            answer += (char)next;
        }

        Assert.That(answer, Does.StartWith("HTTP/1.1 413 ").And.Contain("Connection: close").And.Contain("\"too-large\"").And.Contain("at most 5000"));
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|none|refused|too-large=1" }));
    }

    [Test]
    public async Task Overload_IsSaid()
    {
        var options = new JsonListenerOptions { Name = "http:json", MaxQuestions = 0 };
        await using var harness = await JsonHarness.StartAsync(new HarnessOptions(), options);
        await harness.ListenAsync();
        using var client = UnixHttp.Client(harness.HttpPath);
        using var answer = await client.SendAsync(Post("/v1/decide", Questions.Request()));
        Assert.That((int)answer.StatusCode, Is.EqualTo(429));
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|none|refused|overload=1" }));
    }

    [Test]
    public async Task NoMemoryForAQuestion_IsOverload()
    {
        var options = new JsonListenerOptions { Name = "http:json", Budget = TimeSpan.FromMilliseconds(1) };
        await using var harness = await JsonHarness.StartAsync(new HarnessOptions { BodyMemory = 4096 }, options);
        await harness.ListenAsync();
        using var client = UnixHttp.Client(harness.HttpPath);
        using var answer = await client.SendAsync(Post("/v1/decide", Questions.Request(body: Questions.Body(new string('x', 9000)))));
        Assert.That((int)answer.StatusCode, Is.EqualTo(503));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("no memory"));
    }

    [Test]
    public async Task Mirror_AnswersAtOnceAndRecords()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var agent = new LambdaAgent("a")
        {
            Answers = async (_, _) =>
            {
                await release.Task;
                return Sidecar.Protocol.Sdk.Answer.Block(403);
            },
        };
        var options = new JsonListenerOptions { Name = "http:json", Budget = TimeSpan.FromMinutes(1), MaxMirrored = 1 };
        await using var harness = await JsonHarness.StartAsync(new HarnessOptions(), options, agent);
        await harness.ListenAsync();
        using var client = UnixHttp.Client(harness.HttpPath);
        foreach (var _ in Enumerable.Range(0, 3))
        {
            using var answer = await client.SendAsync(Post("/v1/mirror", Questions.Request(body: Questions.Body("b"))));
            Assert.That(((int)answer.StatusCode, answer.Content.Headers.ContentLength), Is.EqualTo((202, 0L)));
        }

        // The first is asked after its answer: only then has it begun.
        await agent.SeenAsync(1);
        release.SetResult();
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|inspected|none=1", "http:json|none|bypassed|overload=2" }));
        await Eventually.TrueAsync(() => harness.Daemon.BodyMemory.Used == 0, TimeSpan.FromSeconds(30), "the memory of questions");
    }

    [Test]
    public async Task Audit_TellsTheEnd()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await ListeningAsync(agent);
        using var client = UnixHttp.Client(harness.HttpPath);
        using var decided = await client.SendAsync(Post("/v1/decide", Questions.Request("t")));
        using var told = await client.SendAsync(Post("/v1/audit", """{"tx":"t","status":201}"""));

        Assert.That((int)told.StatusCode, Is.EqualTo(204));
        await agent.SeenAsync(2);
        Assert.That(((RequestCompleteEvent)agent.Seen[1]).Status, Is.EqualTo(201));
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|inspected|none=1" }));
    }

    [Test]
    public async Task CallerGone_MidQuestionOrMidAnswerIsAbandoned([Values] bool whole)
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
        await using var harness = await ListeningAsync(agent);
        var body = Questions.Request();
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(harness.HttpPath));
            var text = $"POST /v1/decide HTTP/1.1\r\nHost: s\r\nContent-Length: {body.Length + (whole ? 0 : 10)}\r\n\r\n{body}";
            await socket.SendAsync(Encoding.ASCII.GetBytes(text));
            if (whole)
            {
                await agent.SeenAsync(1);
            }
        }

        await Eventually.TrueAsync(() => harness.Daemon.Sums.Sum("exchanges") == 1, TimeSpan.FromSeconds(30), "the account");
        Assert.That(harness.Daemon.Sums.Of("exchanges"), Is.EqualTo(new[] { $"http:json|{(whole ? "all" : "none")}|abandoned|client-gone=1" }));
    }

    [Test]
    public async Task Frames_KeepTheirConnectionAndStopWithTheListener()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await ListeningAsync(agent);
        await using var stream = await FramesAsync(harness);
        for (var i = 0; i < 3; i++)
        {
            Assert.That((await AskFrameAsync(stream, $"b{i}")).Action(), Is.EqualTo("allow"));
        }

        await harness.StopAsync();
        Assert.That(await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(30)), Is.Zero);
        Assert.That(agent.Seen.OfType<RequestBodyChunkEvent>().Select(static one => Events.Text(one.Data)), Is.EqualTo(new[] { "b0", "b1", "b2" }));
    }

    [Test]
    public async Task FramesBeyondTheLimitOfConnections_AreNeverTaken_AndAreToldSo()
    {
        var options = new JsonListenerOptions { Name = "http:json", Budget = TimeSpan.FromMinutes(1), MaxConnections = 2 };
        await using var agent = new LambdaAgent("a");
        await using var harness = await JsonHarness.StartAsync(new HarnessOptions(), options, agent);
        await harness.ListenAsync();
        await using var first = await FramesAsync(harness);
        await using var second = await FramesAsync(harness);
        Assert.That((await AskFrameAsync(first)).Action(), Is.EqualTo("allow"));
        Assert.That((await AskFrameAsync(second)).Action(), Is.EqualTo("allow"));
        for (var i = 0; i < 3; i++)
        {
            await using var third = await FramesAsync(harness);
            Assert.That((await ReadFrameAsync(third))["error"]!["code"]!.GetValue<string>(), Is.EqualTo("overloaded"));
            Assert.That(await third.ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(30)), Is.Zero, "and it is closed");
        }

        Assert.That((await AskFrameAsync(first)).Action(), Is.EqualTo("allow"), "those that were there go on");
        Assert.That(agent.Seen.OfType<RequestBodyChunkEvent>().Count(), Is.EqualTo(3));
        await second.DisposeAsync();
        await Eventually.TrueAsync(() => harness.FramesConnections == 1, TimeSpan.FromSeconds(60), "a place");
        await using var fourth = await FramesAsync(harness);
        Assert.That((await AskFrameAsync(fourth)).Action(), Is.EqualTo("allow"));
    }

    /// <summary>A connection for frames.</summary>
    internal static async Task<NetworkStream> FramesAsync(JsonHarness harness)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(harness.FramesPath));
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static async Task<JsonNode> AskFrameAsync(NetworkStream stream, string body = "b")
    {
        await stream.WriteAsync(FramesConnectionTests.Frame("""{"phase":"request","request":{"method":"POST","path":"/","body":{"truncated":false}}}""", body));
        return await ReadFrameAsync(stream);
    }

    /// <summary>The next answer on it.</summary>
    internal static async Task<JsonNode> ReadFrameAsync(NetworkStream stream)
    {
        var length = new byte[4];
        await stream.ReadExactlyAsync(length);
        var head = new byte[System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(length)];
        await stream.ReadExactlyAsync(head);
        return JsonNode.Parse(head)!;
    }

    private static async Task<JsonHarness> ListeningAsync(params LambdaAgent[] agents)
    {
        var harness = await JsonHarness.StartAsync(agents);
        await harness.ListenAsync();
        return harness;
    }

    /// <summary>A question over HTTP.</summary>
    internal static HttpRequestMessage Post(string path, string json) =>
        new(HttpMethod.Post, "http://sidecar" + path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
}
