using System.Net;
using System.Text;
using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>A real nginx with a script shows bodies: what is in them is found wherever nginx keeps them, and what passes arrives byte for byte.</summary>
[TestFixture(NginxScript.Lua)]
[TestFixture(NginxScript.Njs)]
[Category("EndToEnd")]
internal sealed class NginxBodyTests(NginxScript script)
{
    private const int Part = 256 * 1024;
    private const int InAFile = 3 * 1024 * 1024;

    private ScriptStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await ScriptStack.StartAsync(script, new ScriptStackSetup { AgentKeys = ",max-body=8MiB" });

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    [TestCase(100, false)]
    [TestCase(100, true)]
    [TestCase(100 * 1024, false)]
    [TestCase(100 * 1024, true)]
    [TestCase(900 * 1024, false, Description = "in a file for Lua")]
    [TestCase(900 * 1024, true)]
    public async Task Attack_IsFoundAtTheEndOfABody(int size, bool isChunked)
    {
        var before = _stack.Origin.Requests;

        var answer = await RawHttp.SendBodyAsync(_stack.Port, "POST /form HTTP/1.1", Padding(size) + ScriptStack.Attack, isChunked);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Body), Is.EqualTo((403, "no entry for you")));
            Assert.That(answer.Header("X-Blocked-By"), Is.EqualTo("sidecar demo"));
            Assert.That(_stack.Origin.Requests, Is.EqualTo(before), "the upstream never saw it");
        }
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(100)]
    [TestCase(100 * 1024)]
    [TestCase(900 * 1024)]
    public async Task Body_ArrivesByteForByte(int size)
    {
        var body = Bytes(size);

        var answer = await RawHttp.SendBodyAsync(_stack.Port, "POST /form HTTP/1.1", body);
        var chunked = await RawHttp.SendBodyAsync(_stack.Port, "PUT /form HTTP/1.1", body, isChunked: true);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, chunked.Status), Is.EqualTo((200, 200)));
            Assert.That(ScriptStack.Seen(answer)[":body"] == body, "with its length announced");
            Assert.That(ScriptStack.Seen(chunked)[":body"] == body, "in chunks");
            Assert.That(ScriptStack.Seen(answer)["X-User"], Is.EqualTo("alice"), "what was decided on the headers survives the body");
            Assert.That(answer.Header("X-Frame-Options"), Is.EqualTo("DENY"));
        }
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task BodyInAFile_IsShownInPartsByLuaAndRefusedByNjs(bool isChunked)
    {
        var body = Bytes(InAFile);
        var (before, refused) = (_stack.Origin.Requests, await _stack.MetricAsync("sidecar_exchanges_total", "state=\"refused\"", "cause=\"truncated\""));

        var answer = await RawHttp.SendBodyAsync(_stack.Port, "POST /form HTTP/1.1", body, isChunked);

        if (script == NginxScript.Lua)
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(ScriptStack.Seen(answer)[":body"] == body, "byte for byte");
            Assert.That(ScriptStack.Seen(answer)["X-User"], Is.EqualTo("alice"));
            Assert.That(answer.Header("X-Frame-Options"), Is.EqualTo("DENY"));
            return;
        }

        Assert.That(answer.Status, Is.EqualTo(413));
        Assert.That(_stack.Origin.Requests, Is.EqualTo(before));
        await _stack.EndedAsync("refused", "truncated", refused + 1);
    }

    [TestCase(Part - 1)]
    [TestCase(Part - 5)]
    [TestCase((2 * Part) - 9)]
    [TestCase(Part)]
    [TestCase(InAFile)]
    public async Task Attack_IsFoundAcrossThePartsOfAFile(int at)
    {
        var body = Padding(at) + ScriptStack.Attack + Padding(InAFile - at);

        var answer = await RawHttp.SendBodyAsync(_stack.Port, "POST /form HTTP/1.1", body);

        Assert.That(answer.Status, Is.EqualTo(script == NginxScript.Lua ? 403 : 413));
    }

    [TestCase("GET", 200)]
    [TestCase("HEAD", 200)]
    [TestCase("DELETE", 200)]
    [TestCase("OPTIONS", 200)]
    public async Task NoBody_IsInspectedByItsHeaders(string method, int status)
    {
        var passed = await RawHttp.SendAsync(_stack.Port, $"{method} /hello HTTP/1.1");
        var blocked = await RawHttp.SendAsync(_stack.Port, $"{method} /teapot HTTP/1.1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((passed.Status, passed.Header("X-Origin"), passed.Header("X-Frame-Options")), Is.EqualTo((status, "yes", "DENY")));
            Assert.That((blocked.Status, blocked.Body), Is.EqualTo((418, method == "HEAD" ? "" : "no entry for you")));
        }
    }

    [Test]
    public async Task GetWithABody_IsInspected()
    {
        var answer = await RawHttp.SendBodyAsync(_stack.Port, "GET /hello HTTP/1.1", ScriptStack.Attack);

        Assert.That(answer.Status, Is.EqualTo(403));
    }

    [Test]
    public async Task Http2_BodyWhoseLengthNobodyAnnounced_IsNotOverlooked()
    {
        using var client = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var uri = new Uri($"http://127.0.0.1:{_stack.Http2Port}/form");

        async Task<HttpStatusCode> PostAsync(string text)
        {
            // A stream that cannot tell its length goes out without content-length.
            using var content = new StreamContent(new UnseekableStream(Encoding.Latin1.GetBytes(text)));
            using var answer = await client.PostAsync(uri, content);
            return answer.StatusCode;
        }

        using var read = await client.GetAsync(uri);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(read.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(await PostAsync(Padding(1000)), Is.EqualTo(HttpStatusCode.OK));
            Assert.That(await PostAsync(ScriptStack.Attack), Is.EqualTo(HttpStatusCode.Forbidden));
            Assert.That(await PostAsync(Padding(100_000) + ScriptStack.Attack), Is.EqualTo(HttpStatusCode.Forbidden));
        }
    }

    [TestCase("POST", 1000)]
    [TestCase("POST", 300 * 1024)]
    [TestCase("GET", 0)]
    public async Task Response_IsInspectedWhereItIsCollected(string method, int size)
    {
        // The upstream tells what it was asked.
        var passed = await RawHttp.SendBodyAsync(_stack.Port, $"{method} /whole/page HTTP/1.1", Padding(size));
        var blocked = await RawHttp.SendBodyAsync(
            _stack.Port, $"{method} /whole/page?DROP%20TABLE HTTP/1.1", Padding(size), headers: ["X-Leak: " + ScriptStack.Attack]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((passed.Status, passed.Header("X-Origin"), passed.Header("X-Frame-Options")), Is.EqualTo((200, "yes", "DENY")));
            Assert.That(ScriptStack.Seen(passed)[":body"] == Padding(size), "the request's body reached the upstream");
            Assert.That((blocked.Status, blocked.Body), Is.EqualTo((403, "no entry for you")));
            Assert.That(blocked.Header("X-Origin"), Is.Empty);
        }
    }

    /// <summary>The upstream tells its body with six bytes for each: larger than what the sidecar takes at once, and than what njs can collect.</summary>
    [TestCase(250 * 1024, "HTTP/1.1 502 ")]
    [TestCase(900 * 1024, "", Description = "nginx ends the connection")]
    public async Task LargeResponse_IsInspectedInPartsByLuaAndNeverPassesNjsUnseen(int size, string byNjs)
    {
        var body = new string('\u00ff', size);
        if (script == NginxScript.Njs)
        {
            var text = await RawHttp.ExchangeTextAsync(
                _stack.Port, $"POST /whole/page HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n{body}");
            Assert.That(text, byNjs.Length == 0 ? Is.Empty : Does.StartWith(byNjs));
            return;
        }

        var passed = await RawHttp.SendBodyAsync(_stack.Port, "POST /whole/page HTTP/1.1", body);
        var blocked = await RawHttp.SendBodyAsync(_stack.Port, "POST /whole/page HTTP/1.1", body, headers: ["X-Leak: " + ScriptStack.Attack]);

        Assert.That((passed.Status, blocked.Status), Is.EqualTo((200, 403)));
        Assert.That(ScriptStack.Seen(passed)[":body"] == body);
    }

    [Test]
    public async Task Head_OfACollectedResponse_HasItsHeaders()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "HEAD /whole/page HTTP/1.1");

        Assert.That((answer.Status, answer.Header("X-Origin"), answer.Body), Is.EqualTo((200, "yes", "")));
    }

    [Test]
    public async Task NothingStaysOpen()
    {
        await RawHttp.SendBodyAsync(_stack.Port, "POST /form HTTP/1.1", Padding(600 * 1024));
        await RawHttp.SendAsync(_stack.Port, "GET /whole/page HTTP/1.1");

        Assert.That(await _stack.MetricAsync("sidecar_exchanges_open"), Is.Zero, "no exchange waits for a response that nobody will ask about");
    }

    private static string Padding(int size) => new('a', size);

    // Every byte value, in an order that does not repeat with any buffer size.
    private static string Bytes(int size) => string.Create(size, 0, static (chars, _) =>
    {
        for (var i = 0; i < chars.Length; i++)
        {
            chars[i] = (char)((i + (i / 251)) & 0xFF);
        }
    });

    private sealed class UnseekableStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
