using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.EndToEnd.Envoy;

/// <summary>
/// What agents say arrives at the client of a real Envoy with ext_authz and at its upstream, by Envoy's own rules; what that gets was shown to the agent.
/// </summary>
[TestFixture(AuthzWire.Grpc)]
[TestFixture(AuthzWire.Http)]
[Category("EndToEnd")]
internal sealed class AuthzDecisionTests(AuthzWire wire)
{
    private AuthzStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        const string User = "- { exact: x-user, ignore_case: true }";
        _stack = await AuthzStack.StartAsync(
            wire, ",events=request_headers+request_body_chunk,max-body=2MiB",
            listen: static text => text.StartsWith("http", StringComparison.Ordinal) ? text + ",edit-headers=x-client-secret+x-tag" : text,
            edit: static text => text.Replace(User, $"{User}\n                    {User.Replace("x-user", "x-tag", StringComparison.Ordinal)}", StringComparison.Ordinal));

        // Until one has come, requests that could have had one are marked.
        await RawHttp.SendBodyAsync(_stack.Port, "POST /first HTTP/1.1", "x");
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await (_stack?.DisposeAsync() ?? ValueTask.CompletedTask);

    [SetUp]
    public void Allow() => _stack.Agent.Answers = static (_, _) => new(AgentResponse.Allow);

    [TestCase(200, 403)]
    [TestCase(302, 302)]
    [TestCase(403, 403)]
    [TestCase(418, 418)]
    [TestCase(429, 429)]
    [TestCase(451, 451)]
    [TestCase(503, 403)]
    [TestCase(599, 403)]
    public async Task Block_ArrivesWithItsPage(int asked, int overHttp)
    {
        _stack.Agent.Answers = (_, _) => new(Answer.Block(asked).WithBody("no entry").WithHeader("x-why", "waf"));
        var before = _stack.Origin.Requests.Count;

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /x HTTP/1.1");
        var head = await RawHttp.SendAsync(_stack.Port, "HEAD /x HTTP/1.1");

        var status = wire == AuthzWire.Grpc ? asked : overHttp;
        Assert.That((answer.Status, answer.Body, answer.Header("x-why"), head.Status, head.Body), Is.EqualTo((status, "no entry", "waf", status, "")));
        Assert.That(_stack.Origin.Requests, Has.Count.EqualTo(before));
    }

    [Test]
    public async Task Allow_SetsAddsAndRemoves()
    {
        _stack.Agent.Answers = static (_, _) => new(Answer.Allow
            .WithRequestHeaders(HeaderOperation.Set("X-User", "alice"), HeaderOperation.Add("X-Tag", "b"), HeaderOperation.Remove("Cookie"))
            .WithResponseHeaders(HeaderOperation.Set("X-Frame-Options", "DENY")));

        var answer = await RawHttp.SendAsync(
            _stack.Port, "GET /x HTTP/1.1", "X-User: mallory", "X-User: eve", "X-Tag: a", "Cookie: c=1", "X-Sidecar-Bypassed: forged", "X-Sidecar-Foo: forged");

        var got = _stack.Origin.Requests.Last();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((Joined(got, "x-user"), Joined(got, "x-tag").Replace(" ", "", StringComparison.Ordinal), Joined(got, "cookie")), Is.EqualTo(("alice", "a,b", "")));
            Assert.That((Joined(got, "x-sidecar-bypassed"), Joined(got, "x-sidecar-foo")), Is.EqualTo(("", "")));
            Assert.That(answer.Header("X-Frame-Options"), Is.EqualTo("DENY"));
        }
    }

    [Test]
    public async Task BodyThatTheFilterCuts_IsRefused([Values] bool isChunked)
    {
        Assert.That((await RawHttp.SendBodyAsync(_stack.Port, "POST /large HTTP/1.1", new string('a', 3_000_000), isChunked)).Status, Is.EqualTo(413));
    }

    [TestCase("X-Bytes: \u00e4\u00ff\u0080", "x-bytes")]
    [TestCase("Cookie: a=1\r\nCookie: b=2", "cookie")]
    [TestCase("X-Other: \r\nX-Other: b", "x-other")]
    [TestCase("X-Envoy-Auth-Partial-Body: forged", "x-envoy-auth-partial-body")]
    [TestCase("X-Envoy-Auth-Partial-Body: false\r\nX-Envoy-Auth-Partial-Body: true", "x-envoy-auth-partial-body")]
    public async Task Header_IsSeenAsItReachesTheUpstream(string lines, string name)
    {
        foreach (var body in (string[])["", "body"])
        {
            var answer = await RawHttp.SendFramedAsync(_stack.Port, "POST /h HTTP/1.1", body, [.. lines.Split("\r\n"), $"Content-Length: {body.Length}"]);

            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(_stack.Shown().Headers.GetAll(name), Is.EqualTo(_stack.Origin.Requests.Last().All(name).Select(WireText.Of)), $"body '{body}'");
        }
    }

    [Test]
    public async Task EmptyHost_IsShown()
    {
        var answer = await RawHttp.ExchangeTextAsync(_stack.Port, "GET /h HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n");

        Assert.That(answer, Does.StartWith("HTTP/1.1 200"));
        Assert.That(_stack.Shown().Headers.GetAll("host"), Is.EqualTo(new[] { _stack.Origin.Requests.Last().Header("host") ?? "none" }));
    }

    [Test]
    public async Task WebSocket_IsShownAndPasses()
    {
        var answer = await RawHttp.ExchangeTextAsync(
            _stack.Port,
            "GET /chat HTTP/1.1\r\nHost: shop.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nframes");

        Assert.That(answer, Does.StartWith("HTTP/1.1 101"));
        Assert.That(_stack.Shown().Uri, Is.EqualTo("/chat"));
    }

    /// <summary>Also where the wire has another status than the agent gave: over HTTP Envoy takes 5xx for a failure.</summary>
    [TestCase(401, "", "UNAUTHENTICATED '401 Unauthorized'")]
    [TestCase(403, "<p>page", "PERMISSION_DENIED '403 Forbidden'")]
    [TestCase(418, "no entry", "PERMISSION_DENIED 'no entry'")]
    [TestCase(429, "", "RESOURCE_EXHAUSTED '429 Too Many Requests'")]
    [TestCase(503, "", "UNAVAILABLE '503 Service Unavailable'")]
    public async Task GrpcClient_IsToldByAStatusAndOneLine_NeverByThePage(int status, string page, string told)
    {
        _stack.Agent.Answers = (_, _) => new(page.Length == 0 ? Answer.Block(status) : Answer.Block(status).WithBody(page));

        Assert.That(await _stack.Envoy.CallAsync("unary", "hello"), Is.EqualTo(told));
    }

    private static string Joined(OriginRequest request, string name) => string.Join(",", request.All(name).Where(static value => value.Length > 0));
}
