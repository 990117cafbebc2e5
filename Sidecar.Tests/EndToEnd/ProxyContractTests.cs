using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Every decision that an agent can make arrives at the client of every proxy, by its ready configuration.</summary>
[TestFixtureSource(typeof(ProxyContracts), nameof(ProxyContracts.All))]
[Category("EndToEnd")]
internal sealed class ProxyContractTests(ProxyContract proxy)
{
    private DemoStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await DemoStack.StartAsync(proxy.Setup, failsOpen: false);

    [OneTimeTearDown]
    public async Task StopAsync() => await (_stack?.DisposeAsync() ?? ValueTask.CompletedTask);

    [Test]
    public async Task Allow_PassesWithTheAgentsHeaders()
    {
        var answer = await RawHttp.SendAsync(
            _stack.Port, "GET /hello?a=b HTTP/1.1", "X-User: mallory", "X-Client-Secret: s3cret", "X-Sidecar-Bypassed: me", "Accept: text/plain");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(answer.Header("X-Origin"), Is.EqualTo("yes"));
            Assert.That(answer.Header("X-Frame-Options"), Is.EqualTo(proxy.SetsResponseHeaders ? "DENY" : ""), "a response header is set");
            Assert.That(answer.Body, Does.Contain("\"x-user\":\"alice\"").IgnoreCase, "a request header is set, the client's own never passes");
            Assert.That(answer.Body, Does.Not.Contain("mallory").And.Not.Contain("s3cret"), "a request header is removed");
            Assert.That(answer.Body, Does.Contain("\":target\":\"/hello?a=b\""));
            Assert.That(answer.Body, Does.Not.Contain("sidecar-bypassed\":\"me").IgnoreCase, "a client's own X-Sidecar headers never pass");
        }
    }

    [Test]
    public async Task Post_BodyReachesTheUpstream()
    {
        var answer = await RawHttp.SendBodyAsync(_stack.Port, "POST /hello HTTP/1.1", "some body");

        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That(answer.Body, Does.Contain("\":method\":\"POST\"").And.Contain("\":body\":\"some body\""));
    }

    [TestCase("/attack", 403)]
    [TestCase("/teapot", 418)]
    [TestCase("/slow-down", 429)]
    [TestCase("/fine", 200)]
    public async Task Block_ArrivesWithStatusBodyAndHeader(string path, int status)
    {
        var before = _stack.Origin.Requests;

        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {path}?x=1 HTTP/1.1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(proxy.StatusOf(status)));
            Assert.That(answer.Body, Is.EqualTo("no entry for you"));
            Assert.That((answer.Header("Content-Type"), answer.Header("Cache-Control")), Is.EqualTo(("text/plain; charset=utf-8", "no-store")));
            Assert.That(answer.Header("X-Blocked-By"), Is.EqualTo(proxy.CarriesHeadersOfBlocks ? "sidecar demo" : ""));
            Assert.That(answer.Headers.Select(static header => header.Key), Has.None.Matches("(?i)^x-sidecar-(?!id$|status$)"), "nothing of ours but the id");
            Assert.That(_stack.Origin.Requests, Is.EqualTo(before), "the upstream never saw it");
        }
    }

    [TestCase("POST", "")]
    [TestCase("POST", "abc")]
    [TestCase("PUT", "abc")]
    [TestCase("DELETE", "")]
    [TestCase("OPTIONS", "")]
    public async Task Block_OfOtherMethods_ArrivesToo(string method, string body)
    {
        var answer = await RawHttp.SendBodyAsync(_stack.Port, $"{method} /teapot HTTP/1.1", body);

        Assert.That((answer.Status, answer.Body), Is.EqualTo((proxy.StatusOf(418), "no entry for you")));
    }

    [Test]
    public async Task Block_OfHead_HasNoBody()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "HEAD /teapot HTTP/1.1");

        Assert.That((answer.Status, answer.Body), Is.EqualTo((proxy.StatusOf(418), "")));
    }

    [Test]
    public async Task Redirect_ArrivesWithLocation()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /old-page HTTP/1.1");

        Assert.That((answer.Status, answer.Header("Location")), Is.EqualTo((302, "https://www.example.org/new")));
    }

    [Test]
    public async Task Challenge_ArrivesWithWwwAuthenticate()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /members HTTP/1.1");

        Assert.That((answer.Status, answer.Header("WWW-Authenticate")), Is.EqualTo((401, "Basic realm=\"sidecar demo\"")));
    }

    [Test]
    public async Task UpgradeRequest_IsInspected()
    {
        var answer = await RawHttp.SendAsync(
            _stack.Port, "GET /attack HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");

        Assert.That(answer.Status, Is.EqualTo(403));
    }

    [Test]
    public async Task BlockInTheBody_KeepsItFromTheUpstream()
    {
        if (!proxy.Setup.ShowsBodies())
        {
            Assert.Ignore("this proxy shows no bodies");
        }

        var before = _stack.Origin.Requests;

        var answer = await RawHttp.SendBodyAsync(_stack.Port, "POST /hello HTTP/1.1", new string('x', 1000) + "evil words");

        Assert.That((answer.Status, answer.Body, _stack.Origin.Requests), Is.EqualTo((403, "no entry for you", before)));
    }
}
