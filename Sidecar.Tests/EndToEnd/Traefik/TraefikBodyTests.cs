using NUnit.Framework;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.EndToEnd.Traefik;

/// <summary>Bodies through a real Traefik that forwards them: shown whole before anything goes upstream, refused or marked where they are not.</summary>
[Category("EndToEnd")]
internal sealed class TraefikBodyTests
{
    private const EventSet WithBodies = EventSet.RequestHeaders | EventSet.RequestBodyChunk;

    private TraefikStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _stack = await TraefikStack.StartAsync(
            ",request-body=yes", ",events=request_headers+request_body_chunk,max-body=300KiB", WithBodies, RealTraefik.ForwardingBodies);

        // Until one has come, requests that could have had one are marked.
        await RawHttp.SendBodyAsync(_stack.Port, "POST /first HTTP/1.1", "x");
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await (_stack?.DisposeAsync() ?? ValueTask.CompletedTask);

    [SetUp]
    public void Allow() => _stack.Agent.Answers = static (_, _) => new(AgentResponse.Allow);

    /// <summary>Agents are not shown them.</summary>
    [Test]
    public async Task Trailers_NeverReachTheUpstream()
    {
        var answer = await RawHttp.SendFramedAsync(
            _stack.Port, "POST /b HTTP/1.1", "4\r\nbody\r\n0\r\nX-Late: hidden\r\nX-User: mallory\r\n\r\n", "Transfer-Encoding: chunked", "Trailer: X-Late, X-User");

        var got = _stack.Origin.Requests.Last();
        Assert.That((answer.Status, got.Body, got.Trailers), Is.EqualTo((200, "body", "")));
    }

    [Test]
    public async Task LargerThanTheAgentTakes_IsRefusedAndTheNextIsAnswered()
    {
        for (var i = 0; i < 20; i++)
        {
            var large = await RawHttp.SendBodyAsync(_stack.Port, "POST /large HTTP/1.1", new string('a', 900_000), isChunked: i % 2 == 1);
            var small = await RawHttp.SendBodyAsync(_stack.Port, "POST /small HTTP/1.1", "abc");
            Assert.That((large.Status, small.Status), Is.EqualTo((413, 200)), $"request {i}");
        }
    }

    /// <summary>The listener was not told; a writer into a closed connection would get a 500 of Traefik's own.</summary>
    [Test]
    public async Task BodiesThatNobodyReads_AreMarkedAndNeverAnError()
    {
        await using var stack = await TraefikStack.StartAsync("", "", WithBodies, RealTraefik.ForwardingBodies);

        for (var i = 0; i < 60; i++)
        {
            var method = i % 2 == 0 ? "POST" : "GET";
            var answer = await RawHttp.SendBodyAsync(stack.Port, $"{method} /b HTTP/1.1", new string('a', 200_000), isChunked: i % 3 == 0);
            Assert.That((answer.Status, stack.Origin.Requests.Last().Header("x-sidecar-bypassed")), Is.EqualTo((200, "no-body")), $"request {i}");
        }

        await stack.EndedAsync("bypassed", "no-body", 60);
        await stack.Daemon.WaitForAsync("say request-body=yes");
        Assert.That(await stack.StatusAsync(), Does.Contain("request-body=yes"));
    }

    /// <summary>Traefik gives no sign of the bodies that it keeps.</summary>
    [Test]
    public async Task KeyWithoutForwardBody_MarksWhatMayHaveHadABody()
    {
        await using var stack = await TraefikStack.StartAsync(",request-body=yes", "", WithBodies);

        await RawHttp.SendBodyAsync(stack.Port, "POST /b HTTP/1.1", "hidden");

        var got = stack.Origin.Requests.Last();
        Assert.That((got.Body, got.Header("x-sidecar-bypassed")), Is.EqualTo(("hidden", "maybe-body")));
        await stack.Daemon.WaitForAsync("forwardBody: true of every forwardAuth that asks here must be set");
    }

    /// <summary>Traefik refuses longer ones by itself.</summary>
    [Test]
    public async Task LongerThanMaxBodySize_PassesNowhereAndIsNotAskedAbout()
    {
        await using var stack = await TraefikStack.StartAsync(",request-body=yes", "", WithBodies, static text => WithLimit(text, 1000));

        var longest = await RawHttp.SendBodyAsync(stack.Port, "POST /b HTTP/1.1", new string('a', 1000));
        var tooLong = await RawHttp.SendBodyAsync(stack.Port, "POST /b HTTP/1.1", new string('a', 1001));
        var tooLongInChunks = await RawHttp.SendBodyAsync(stack.Port, "GET /b HTTP/1.1", new string('a', 1001), isChunked: true);

        Assert.That((longest.Status, tooLong.Status, tooLongInChunks.Status), Is.EqualTo((200, 401, 401)));
        Assert.That((stack.Origin.Requests.Count, stack.Agent.Seen.OfType<RequestHeadersEvent>().Count()), Is.EqualTo((1, 1)));
        await stack.EndedAsync("inspected", "none", 1);
    }

    [Test]
    public async Task WithoutMaxBodySize_ABodyOfAnySizeIsSeenWhole([Values] bool isChunked)
    {
        await using var stack = await TraefikStack.StartAsync(
            ",request-body=yes", ",events=request_headers+request_body_chunk,max-body=10MiB", WithBodies, static text => WithLimit(text, -1));
        var body = BodyOf(9 * 1024 * 1024);

        var answer = await RawHttp.SendBodyAsync(stack.Port, "PUT /b HTTP/1.1", body, isChunked);

        Assert.That((answer.Status, stack.ShownBody() == body, stack.Origin.Requests.Single().Body == body), Is.EqualTo((200, true, true)));
        await stack.EndedAsync("inspected", "none", 1);
    }

    [TestCase(EventSet.RequestHeaders, "inspected", "none")]
    [TestCase(WithBodies, "bypassed", "maybe-body")]
    public async Task BodyThatTraefikKeeps_PassesWholeAndIsMarkedWhereAgentsWantIt(EventSet supports, string state, string cause)
    {
        await using var stack = await TraefikStack.StartAsync(",request-body=yes", "", supports);
        var body = BodyOf(20 * 1024 * 1024);

        var answer = await RawHttp.SendBodyAsync(stack.Port, "PUT /b HTTP/1.1", body);

        var got = stack.Origin.Requests.Single();
        Assert.That((answer.Status, got.Body == body, stack.ShownBody()), Is.EqualTo((200, true, (string?)null)));
        Assert.That(got.Header("x-sidecar-bypassed") ?? "", Is.EqualTo(cause == "none" ? "" : cause));
        await stack.EndedAsync(state, cause, 1);
    }

    private static string BodyOf(int size) => string.Create(size, 0, static (text, _) =>
    {
        for (var i = 0; i < text.Length; i++)
        {
            text[i] = (char)(i * 7 % 256);
        }
    });

    private static string WithLimit(string dynamic, int limit) =>
        RealTraefik.ForwardingBodies(dynamic).Replace("maxBodySize: 1048576", $"maxBodySize: {limit}", StringComparison.Ordinal);
}
