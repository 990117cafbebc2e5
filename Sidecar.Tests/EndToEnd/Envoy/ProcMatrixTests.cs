using System.Net;
using System.Net.Sockets;
using System.Text;
using NUnit.Framework;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.EndToEnd.Envoy;

/// <summary>What a real Envoy makes of ext_proc in each way of sending bodies. Nothing hangs: each answer is waited for, for two minutes at most.</summary>
[TestFixture("NONE")]
[TestFixture(ProcStack.Override)]
[TestFixture("BUFFERED")]
[TestFixture("BUFFERED_PARTIAL")]
[TestFixture("STREAMED")]
[TestFixture("FULL_DUPLEX_STREAMED")]
[Category("EndToEnd")]
internal sealed class ProcMatrixTests(string mode)
{
    // Above Envoy's buffer and above what an agent takes by default.
    private const int TooLarge = 20 * 1024 * 1024;

    private ProcStack _stack = null!;

    private bool HasBodies => mode != "NONE";

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await ProcStack.StartAsync(mode, edit: EarlierFilters.In);

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (_stack is not null)
        {
            await _stack.DisposeAsync();
        }
    }

    [SetUp]
    public Task CloseAccountAsync() => _stack.AccountAsync();

    [Test]
    public async Task RequestBody_IsSeenAndArrives([Values(0, 1, 70_000, 1_000_000)] int size, [Values] bool isChunked)
    {
        var id = Id();
        var body = new string('q', size);

        var answer = await RawHttp.SendBodyAsync(_stack.Envoy.Port, $"POST /body/{id} HTTP/1.1", body, isChunked);

        var isSeen = HasBodies || (size == 0 && !isChunked);
        Assert.That(answer.Status, Is.EqualTo(isSeen ? 200 : 413));
        Assert.That(Got(id), isSeen ? Is.EqualTo(body) : Is.Null);
        Assert.That(Shown(id), Is.EqualTo(isSeen ? body : ""));
        Assert.That(await _stack.AccountAsync(), Is.EqualTo(isSeen ? "inspected" : "refused truncated"));
    }

    [Test]
    public async Task RequestBodyThatIsTooLarge_Is413_AndReachesNobody([Values] bool isChunked)
    {
        var id = Id();

        var answer = await RawHttp.SendBodyAsync(_stack.Envoy.Port, $"POST /large/{id} HTTP/1.1", new string('q', TooLarge), isChunked);

        Assert.That((answer.Status, Got(id)), Is.EqualTo((413, (string?)null)));
        Assert.That(
            await _stack.AccountAsync(), Is.EqualTo(mode switch { "NONE" when isChunked => "refused truncated", "BUFFERED" => "abandoned superseded", _ => "refused too-large" }));
    }

    [Test]
    public async Task ResponseBody_IsSeenAndArrives([Values(0, 1, 70_000, 1_000_000)] int size, [Values("size", "chunked")] string framing)
    {
        var answer = await RawHttp.SendAsync(_stack.Envoy.Port, $"GET /{framing}/{size} HTTP/1.1");

        var isSeen = HasBodies || (size == 0 && framing == "size");
        Assert.That((answer.Status, isSeen ? answer.Body.Length : 0), Is.EqualTo((isSeen ? 200 : 502, isSeen ? size : 0)));
        Assert.That(await _stack.AccountAsync(), Is.EqualTo(isSeen ? "inspected" : "refused truncated"));
    }

    [Test]
    public async Task ResponseThatIsTooLarge_IsTheUpstreamsFault()
    {
        var text = await RawHttp.ExchangeTextAsync(_stack.Envoy.Port, $"GET /chunked/{TooLarge} HTTP/1.1\r\nHost: shop.example.org\r\nConnection: close\r\n\r\n");

        // In full buffering the refusal is Envoy's own; a streamed response has begun.
        Assert.That(text, Does.StartWith(mode switch { "BUFFERED" => "HTTP/1.1 500", "STREAMED" => "HTTP/1.1 200", _ => "HTTP/1.1 502" }));
        Assert.That(text.Length, Is.LessThan(TooLarge));
        Assert.That(
            ProcStack.GivenUp(await _stack.AccountAsync()),
            Is.EqualTo(mode switch { "NONE" => "refused truncated", "BUFFERED" => "abandoned", _ => "refused too-large" }));
    }

    [TestCase("request-headers")]
    [TestCase("request-body")]
    [TestCase("response-headers")]
    [TestCase("response-body")]
    public async Task Block_IsTheAnswer(string phase)
    {
        var id = Id();
        var hasBody = phase == "request-body";
        var text = await RawHttp.ExchangeTextAsync(
            _stack.Envoy.Port, $"POST /{(phase == "response-body" ? "size/9" : $"block/{id}")} HTTP/1.1\r\nHost: shop.example.org\r\nConnection: close\r\nX-Act: {phase} block\r\nContent-Length: {(hasBody ? 4 : 0)}\r\n\r\n{(hasBody ? "evil" : "")}");

        if (!HasBodies && phase.EndsWith("-body", StringComparison.Ordinal))
        {
            Assert.That(text, Does.StartWith(hasBody ? "HTTP/1.1 413" : "HTTP/1.1 502"), "a body that nobody can judge does not pass");
            Assert.That(Got(id), Is.Null);
            Assert.That(await _stack.AccountAsync(), Is.EqualTo("refused truncated"));
            return;
        }

        // A streamed response may have begun when its body is judged; nothing of the body ever arrives.
        var isCut = text.StartsWith("HTTP/1.1 200", StringComparison.Ordinal) && mode == "STREAMED" && phase == "response-body";
        Assert.That(text, isCut ? Does.Not.Contain("rrrrrrrrr") : Does.StartWith("HTTP/1.1 418").And.EndsWith("no"));
        Assert.That(Got(id) is null, Is.EqualTo(phase != "response-headers"), "what was blocked as a request went no further");
        Assert.That(await _stack.AccountAsync(), Is.EqualTo("inspected"));
    }

    [TestCase("redirect", 302)]
    [TestCase("challenge", 401)]
    public async Task RedirectAndChallenge_AreTheAnswer(string action, int status) =>
        Assert.That((await RawHttp.SendAsync(_stack.Envoy.Port, "GET / HTTP/1.1", $"X-Act: request-headers {action}")).Status, Is.EqualTo(status));

    [Test]
    public async Task HeaderEdits_AreApplied([Values("request-headers", "response-headers")] string phase)
    {
        var id = Id();

        var answer = await RawHttp.SendAsync(_stack.Envoy.Port, $"GET /edit/{id} HTTP/1.1", $"X-Act: {phase} edit", "X-Gone: 1", "X-Added: 1", "X-Sidecar-Bypassed: forged");

        var got = _stack.Origin.Received.Single(request => request.Target.EndsWith(id, StringComparison.Ordinal));
        var isRequest = phase == "request-headers";
        using (Assert.EnterMultipleScope())
        {
            Assert.That(string.Join('|', (string[])[.. got.Values("x-set"), .. got.Values("x-added"), .. got.Values("x-gone")]), Is.EqualTo(isRequest ? "1|1|2" : "1|1"));
            Assert.That($"{answer.Header("x-set")}|{answer.Header("x-added")}|{answer.Header("x-gone")}", Is.EqualTo(isRequest ? "||1" : "1|2|"));
            Assert.That(got.Values("x-sidecar-bypassed"), Is.Empty);
        }
    }

    [Test]
    public async Task ChangedBody_Arrives([Values("request-body", "response-body")] string phase, [Values("", "x", "much-longer-than-what-came")] string word)
    {
        var id = Id();
        var answer = phase == "request-body"
            ? await RawHttp.SendBodyAsync(_stack.Envoy.Port, $"POST /change/{id} HTTP/1.1", "as it came", headers: $"X-Act: {phase} replace {word}")
            : await RawHttp.SendAsync(_stack.Envoy.Port, "GET /size/9 HTTP/1.1", $"X-Act: {phase} replace {word}");

        var isRequest = phase == "request-body";
        if (HasBodies)
        {
            Assert.That((answer.Status, isRequest ? Got(id) : answer.Body), Is.EqualTo((200, word)));
        }
        else
        {
            Assert.That((answer.Status, Got(id)), Is.EqualTo((isRequest ? 413 : 502, (string?)null)), "a body that nobody can change does not pass");
        }
    }

    [Test]
    public async Task BodyWithTrailers_IsSeenWhole()
    {
        var id = Id();

        var answer = await RawHttp.SendFramedAsync(
            _stack.Envoy.Port, $"POST /trailers/{id} HTTP/1.1", "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", "Transfer-Encoding: chunked", "Trailer: X-Sum");

        // Piece by piece, what an agent holds until the end cannot go on behind trailers.
        var status = mode switch { "NONE" => 413, "STREAMED" => 503, _ => 200 };
        Assert.That((answer.Status, Got(id)), Is.EqualTo((status, status == 200 ? "hello" : null)));
        Assert.That(Shown(id), Is.EqualTo(HasBodies ? "hello" : ""));
        Assert.That(
            await _stack.AccountAsync(), Is.EqualTo(mode switch { "NONE" => "refused truncated", "STREAMED" => "refused unapplied", _ => "inspected" }));
    }

    [Test]
    public async Task WebSocket_IsSwitchedTo_AndItsFramesPass([Values] bool speaksEarly)
    {
        if (mode is "BUFFERED" or "BUFFERED_PARTIAL")
        {
            Assert.Ignore("Envoy 1.40 itself waits for the end of a body that has none");
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, _stack.Envoy.Port, limit.Token);
        var stream = client.GetStream();
        var frame = "frame"u8.ToArray();
        byte[] handshake =
        [
            .. "GET /socket HTTP/1.1\r\nHost: shop.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"u8,
            .. "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"u8,
            .. speaksEarly ? frame : [],
        ];
        await stream.WriteAsync(handshake, limit.Token);
        // Piece by piece, what is held goes on with the next that comes.
        var hasMore = !speaksEarly || mode == "STREAMED";
        var echo = speaksEarly && hasMore ? "frameframe" : "frame";
        var text = "";
        var buffer = new byte[4096];
        while (!text.EndsWith($"\r\n\r\n{echo}", StringComparison.Ordinal))
        {
            var count = await stream.ReadAsync(buffer, limit.Token);
            Assert.That(count, Is.GreaterThan(0), $"the connection ended after '{text}'");
            text += Encoding.Latin1.GetString(buffer, 0, count);
            if (hasMore && text.Contains("\r\n\r\n", StringComparison.Ordinal))
            {
                hasMore = false;
                await stream.WriteAsync(frame, limit.Token);
            }
        }

        Assert.That(text, Does.StartWith("HTTP/1.1 101"));
        client.Close();
        Assert.That(await _stack.AccountAsync(), Is.EqualTo("inspected"));
    }

    // Envoy has no route for it; nobody may wait for a body of it.
    [Test]
    public async Task Connect_IsAnswered()
    {
        var text = await RawHttp.ExchangeTextAsync(_stack.Envoy.Port, "CONNECT shop.example.org:443 HTTP/1.1\r\nHost: shop.example.org:443\r\n\r\n");

        Assert.That(text, Does.Match("^HTTP/1.1 4"));
    }

    [TestCase("HEAD", "/size/9", 200)]
    [TestCase("GET", "/status/204", 204)]
    [TestCase("GET", "/status/304", 304)]
    [TestCase("GET", "/status/503", 503)]
    public async Task AnswerWithoutABody_Arrives(string method, string path, int status)
    {
        var answer = await RawHttp.SendAsync(_stack.Envoy.Port, $"{method} {path} HTTP/1.1");

        Assert.That((answer.Status, answer.Body), Is.EqualTo((status, "")));
        Assert.That(await _stack.AccountAsync(), Is.EqualTo("inspected"));
    }

    [Test]
    public async Task PreflightThatEnvoyAnswers_StaysItsAnswer()
    {
        var answer = await RawHttp.SendAsync(_stack.Envoy.Port, "OPTIONS /cors HTTP/1.1", $"Origin: {EarlierFilters.Origin}", "Access-Control-Request-Method: POST");

        Assert.That(
            (answer.Status, answer.Header("access-control-allow-origin"), answer.Header("access-control-allow-methods")),
            Is.EqualTo((200, EarlierFilters.Origin, "POST")));
        Assert.That(await _stack.AccountAsync(), Is.EqualTo("not-subject local-reply"));
    }

    [Test]
    public async Task TokenThatEnvoyRefuses_StaysItsRefusal([Values("", "Authorization: Bearer a.b.c")] string header)
    {
        var answer = await RawHttp.SendAsync(_stack.Envoy.Port, "GET /members HTTP/1.1", header.Length == 0 ? "X-None: 1" : header);

        var told = "Bearer realm=\"http://shop.example.org/members\"" + (header.Length == 0 ? "" : ", error=\"invalid_token\"");
        Assert.That((answer.Status, answer.Header("www-authenticate")), Is.EqualTo((401, told)));
        Assert.That(await _stack.AccountAsync(), Is.EqualTo("not-subject local-reply"));
    }

    [Test]
    public async Task EarlyHints_AreNotTakenForTheAnswer()
    {
        var text = await RawHttp.ExchangeTextAsync(_stack.Envoy.Port, "GET /early/204 HTTP/1.1\r\nHost: shop.example.org\r\nConnection: close\r\n\r\n");

        Assert.That(text, Does.Contain("HTTP/1.1 204"));
        Assert.That(_stack.Agent.Seen.OfType<ResponseHeadersEvent>().Last().Status, Is.EqualTo(204));
        Assert.That(await _stack.AccountAsync(), Is.EqualTo("inspected"));
    }

    private static string Id() => Guid.NewGuid().ToString("N");

    // The body that the upstream got; null where it got no such request.
    private string? Got(string id) =>
        _stack.Origin.Received.SingleOrDefault(request => request.Target.EndsWith(id, StringComparison.Ordinal)) is { } got
            ? Encoding.Latin1.GetString(got.Body)
            : null;

    private string Shown(string id)
    {
        var exchange = _stack.Agent.Seen.OfType<RequestHeadersEvent>().Single(request => request.Uri.EndsWith(id, StringComparison.Ordinal)).CorrelationId;
        return string.Concat(
            _stack.Agent.Seen.OfType<RequestBodyChunkEvent>().Where(piece => piece.CorrelationId == exchange)
                .Select(static piece => Encoding.Latin1.GetString(piece.Data.Span)));
    }
}
