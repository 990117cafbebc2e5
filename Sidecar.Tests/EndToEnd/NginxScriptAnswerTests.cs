using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Whatever an agent answers is applied by nginx with a script, or refused where the script cannot.</summary>
[TestFixture(NginxScript.Lua)]
[TestFixture(NginxScript.Njs)]
[Category("EndToEnd")]
internal sealed class NginxScriptAnswerTests(NginxScript script)
{
    private readonly LambdaAgent _agent = new("demo");
    private ScriptStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await ScriptStack.StartAsync(script, new ScriptStackSetup { Agent = _agent, AgentKeys = ",max-body=8MiB" });

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _stack.DisposeAsync();
        await _agent.DisposeAsync();
    }

    [Test]
    public async Task RequestHeaders_AreSetAddedAndRemoved()
    {
        OnHeaders(AgentResponse.Allow.WithRequestHeaders(
            HeaderOperation.Set("x-user", "alice"), HeaderOperation.Add("x-tag", "two"), HeaderOperation.Add("x-tag", "three"),
            HeaderOperation.Remove("x-secret"), HeaderOperation.Set("accept", "text/html"), HeaderOperation.Add("x-new", "n")));

        var answer = await RawHttp.SendBodyAsync(
            _stack.Port, "POST /hello HTTP/1.1", new string('a', 700_000), headers: ["X-Tag: one", "X-Secret: a", "X-Secret: b", "Accept: */*"]);

        if (script == NginxScript.Njs)
        {
            Assert.That((answer.Status, answer.Body), Is.EqualTo((503, "inspection unavailable\n")), "what it cannot carry is refused, not lost");
            Assert.That(_stack.Nginx.ErrorLog, Does.Contain("an agent wants what njs cannot do").And.Contain("remove x-secret").And.Contain("add x-tag"));
            return;
        }

        var seen = ScriptStack.Seen(answer);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((seen["X-User"], seen["X-Tag"], seen["Accept"], seen["X-New"]), Is.EqualTo(("alice", "one,two,three", "text/html", "n")));
            Assert.That(seen.Keys, Has.None.EqualTo("X-Secret").IgnoreCase);
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task NamedRequestHeaders_AreChangedByBoth(bool removes)
    {
        OnHeaders(AgentResponse.Allow.WithRequestHeaders(
            HeaderOperation.Set("X-User", "alice"), removes ? HeaderOperation.Remove("X-Client-Secret") : HeaderOperation.Set("X-Client-Secret", "new")));

        var seen = ScriptStack.Seen(await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", "X-User: mallory", "X-Client-Secret: old"));

        Assert.That((seen["X-User"], seen.GetValueOrDefault("X-Client-Secret")), Is.EqualTo(("alice", removes ? null : "new")));
    }

    [TestCase("/hello")]
    [TestCase("/whole/hello")]
    public async Task ResponseHeaders_AreSetAddedAndRemoved(string path)
    {
        OnHeaders(AgentResponse.Allow.WithResponseHeaders(
            HeaderOperation.Set("x-frame-options", "DENY"), HeaderOperation.Add("set-cookie", "a=1"), HeaderOperation.Add("set-cookie", "b=2"),
            HeaderOperation.Remove("x-origin"), HeaderOperation.Set("content-type", "text/plain"), HeaderOperation.Set("x-big", new string('b', 3000))));

        var answer = await RawHttp.SendBodyAsync(_stack.Port, $"POST {path} HTTP/1.1", new string('a', 700_000));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That((answer.Header("X-Frame-Options"), answer.Header("X-Origin"), answer.Header("Content-Type")), Is.EqualTo(("DENY", "", "text/plain")));
            Assert.That(answer.Headers["Set-Cookie"], Is.EqualTo(new[] { "a=1", "b=2" }));
            Assert.That(answer.Header("X-Big"), Has.Length.EqualTo(3000));
        }
    }

    [TestCase("/whole/hello")]
    public async Task ResponseEvents_ChangeTheResponsesHeaders(string path)
    {
        _agent.Answers = (message, _) => new(message is ResponseHeadersEvent
            ? AgentResponse.Allow.WithResponseHeaders(HeaderOperation.Add("x-seen", "response"), HeaderOperation.Remove("x-origin"))
            : AgentResponse.Allow);

        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {path} HTTP/1.1");

        Assert.That((answer.Status, answer.Header("X-Seen"), answer.Header("X-Origin")), Is.EqualTo((200, "response", "")));
    }

    [Test]
    public async Task Block_ArrivesWithItsStatusCookiesAndRepeatedHeaders()
    {
        // Names that differ in case only are how the wire carries a header twice.
        var headers = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Content-Type"] = "text/x-own; charset=utf-8",
            ["Set-Cookie"] = "a=1; Path=/",
            ["set-cookie"] = "b=2",
            ["Link"] = "<a>",
            ["link"] = "<b>",
            ["Retry-After"] = "7",
        };
        OnHeaders(AgentResponse.Allow with { Decision = new BlockDecision(451, "geh weg, J\u00f6rg", headers) });

        var answer = await RawHttp.SendBodyAsync(_stack.Port, "POST /hello HTTP/1.1", new string('a', 700_000));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Body), Is.EqualTo((451, "geh weg, J\u00c3\u00b6rg")), "UTF-8, read byte by byte");
            Assert.That(answer.Headers["Set-Cookie"], Is.EqualTo(new[] { "a=1; Path=/", "b=2" }));
            Assert.That(answer.Headers["Link"], Is.EqualTo(new[] { "<a>", "<b>" }));
            Assert.That((answer.Header("Content-Type"), answer.Header("Retry-After")), Is.EqualTo(("text/x-own; charset=utf-8", "7")));
            Assert.That(answer.Header("X-Sidecar-Id"), Is.Not.Empty, "the join key for logs");
        }
    }

    [Test]
    public async Task Redirect_ArrivesByteForByte(
        [Values(302, 308)] int status, [Values("https://login.example/?next=%2Fa%20b&x=1#f", "/login?next=/x", "//cdn.example/x")] string location)
    {
        OnHeaders(Answer.Redirect(location, status));

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1");

        Assert.That((answer.Status, answer.Header("Location")), Is.EqualTo((status, location)));
    }

    [Test]
    public async Task Challenge_ArrivesWithWwwAuthenticate()
    {
        OnHeaders(Answer.Challenge("basic", ("realm", "members")));

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1");

        Assert.That((answer.Status, answer.Header("WWW-Authenticate")), Is.EqualTo((401, "Basic realm=\"members\"")));
    }

    [TestCase(500, false)]
    [TestCase(500, true)]
    [TestCase(700_000, false)]
    [TestCase(700_000, true)]
    public async Task ChangedRequestBody_IsAppliedByLuaAndRefusedByNjs(int size, bool isChunked)
    {
        var changed = new string('b', 40_000) + "\0\u00ff";
        _agent.Answers = (message, _) => new(message is RequestBodyChunkEvent chunk
            ? AgentResponse.Allow with { RequestBodyMutation = new BodyMutation(System.Text.Encoding.Latin1.GetBytes(changed), chunk.ChunkIndex) }
            : AgentResponse.Allow);
        var before = _stack.Origin.Requests;

        var answer = await RawHttp.SendBodyAsync(_stack.Port, "POST /hello HTTP/1.1", new string('a', size), isChunked);

        if (script == NginxScript.Njs)
        {
            Assert.That((answer.Status, _stack.Origin.Requests), Is.EqualTo((503, before)));
            return;
        }

        var seen = ScriptStack.Seen(answer);
        Assert.That((seen[":body"] == changed, seen["Content-Length"]), Is.EqualTo((true, "40002")));
    }

    [Test]
    public async Task ChangedResponseBody_IsAppliedWhereItIsCollected()
    {
        _agent.Answers = (message, _) => new(message is ResponseBodyChunkEvent chunk
            ? AgentResponse.Allow with { ResponseBodyMutation = new BodyMutation("masked \0\u00ff"u8.ToArray(), chunk.ChunkIndex) }
            : AgentResponse.Allow);

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /whole/hello HTTP/1.1");

        Assert.That((answer.Status, answer.Body, answer.Header("Content-Length")), Is.EqualTo((200, "masked \0\u00c3\u00bf", "10")));
    }

    [Test]
    public async Task BlockOfAResponse_Arrives()
    {
        _agent.Answers = (message, _) => new(
            message is ResponseHeadersEvent ? Answer.Block(502).WithBody("a leak").WithHeader("Set-Cookie", "a=1") : AgentResponse.Allow);

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /whole/hello HTTP/1.1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Body, answer.Header("X-Origin")), Is.EqualTo((502, "a leak", "")));
            Assert.That(answer.Headers["Set-Cookie"], Is.EqualTo(new[] { "a=1" }));
        }
    }

    /// <summary>A header that an agent adds stands beside the upstream's own.</summary>
    [TestCase("/bytes", false)]
    [TestCase("/bytes", true)]
    [TestCase("/whole/bytes", false)]
    [TestCase("/whole/bytes", true)]
    public async Task ResponseHeaders_ReachAgentAndClientByteForByte(string path, bool isEdited)
    {
        HeaderOperation[] edits = isEdited ? [HeaderOperation.Add("x-raw", "mine"), HeaderOperation.Add("x-twice", "3")] : [];
        OnHeaders(AgentResponse.Allow.WithResponseHeaders(edits));

        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {path} HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(200));
        foreach (var name in OriginServer.Bytes)
        {
            string[] added = !isEdited ? [] : name.Key switch { "X-Raw" => ["mine"], "X-Twice" => ["3"], _ => [] };
            Assert.That(answer.Headers[name.Key], Is.EqualTo(name.Concat(added)), $"{name.Key} at the client");
            if (path.StartsWith("/whole/", StringComparison.Ordinal))
            {
                var seen = _agent.Seen.OfType<ResponseHeadersEvent>().Last().Headers;
                Assert.That(seen.GetAll(name.Key), Is.EqualTo(name.Select(WireText.Of)), $"{name.Key} at the agent");
            }
        }
    }

    private void OnHeaders(AgentResponse answer) => _agent.Answers = (message, _) => new(message is RequestHeadersEvent ? answer : AgentResponse.Allow);
}
