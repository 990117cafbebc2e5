using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Every decision an agent can make arrives at the client of a real Caddy, by the ready configuration and by the short form.</summary>
[Category("EndToEnd")]
[TestFixture(CaddySetup.Ready)]
[TestFixture(CaddySetup.ShortForm)]
internal sealed class CaddyDecisionTests(CaddySetup setup)
{
    private CaddyStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await CaddyStack.StartAsync(setup);

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    [Test]
    public async Task Allow_PassesWithTheAgentsHeaders()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello?a=b HTTP/1.1", "X-User: mallory", "X-Client-Secret: s3cret");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(answer.Header("X-Origin"), Is.EqualTo("yes"));
            Assert.That(answer.Body, Does.Contain("\"X-User\":\"alice\""), "a request header is set, the client's own never passes");
            Assert.That(answer.Body, Does.Not.Contain("s3cret"), "a request header is removed");
            Assert.That(answer.Body, Does.Contain("\":target\":\"/hello?a=b\""));
            Assert.That(answer.Body, Does.Not.Contain("{http"), "no placeholder stands in for an absent header");
            Assert.That(answer.Body, Does.Match("\"X-Sidecar-Id\":\"[0-9a-f]{32}\""));
        }
    }

    [Test]
    public async Task Allow_WhatNoAgentTouchedIsEmptyOrAbsent()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1");
        var isEmpty = answer.Body.Contains("\"X-Client-Secret\":\"\"", StringComparison.Ordinal);

        var keepsEmpty = setup == CaddySetup.ShortForm && await PeerPrograms.VersionAsync("caddy") < new Version(2, 11);
        Assert.That(isEmpty, Is.EqualTo(keepsEmpty), "of Caddy 2.6 only the ready configuration can take an empty header away");
        Assert.That(answer.Body.Contains("X-Client-Secret", StringComparison.Ordinal), Is.EqualTo(isEmpty));
    }

    [Test]
    public async Task ResponseHeader_IsSetByTheReadyConfiguration()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1");

        Assert.That(answer.Header("X-Frame-Options"), Is.EqualTo(setup == CaddySetup.Ready ? "DENY" : ""));
    }

    [Test]
    public async Task Post_BodyReachesTheUpstream()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "POST /hello HTTP/1.1", "Content-Length: 9", "Connection: close", "", "some body");

        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That(answer.Body, Does.Contain("\":method\":\"POST\"").And.Contain("\":body\":\"some body\""));
    }

    [TestCase("/attack", 403)]
    [TestCase("/teapot", 418)]
    [TestCase("/slow-down", 429)]
    [TestCase("/fine", 403, Description = "a block with status 200 would be an allow")]
    public async Task Block_ArrivesWithStatusBodyAndHeader(string path, int status)
    {
        var before = _stack.Origin.Requests;

        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {path}?x=1 HTTP/1.1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(status));
            Assert.That(answer.Body, Is.EqualTo("no entry for you"));
            Assert.That(answer.Header("X-Blocked-By"), Is.EqualTo("sidecar demo"));
            Assert.That(answer.Headers.Select(static header => header.Key), Has.None.Matches("(?i)^x-sidecar-(?!id$|status$)"), "nothing of ours but the id");
            Assert.That(_stack.Origin.Requests, Is.EqualTo(before), "the upstream never saw it");
        }
    }

    [TestCase("POST /teapot HTTP/1.1", "Content-Length: 0")]
    [TestCase("POST /teapot HTTP/1.1", "Content-Length: 3\r\nConnection: close\r\n\r\nabc")]
    [TestCase("DELETE /teapot HTTP/1.1", "X: y")]
    public async Task Block_OfOtherMethods_ArrivesToo(string requestLine, string rest)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, requestLine, rest);

        Assert.That((answer.Status, answer.Body), Is.EqualTo((418, "no entry for you")));
    }

    [Test]
    public async Task Block_OfHead_HasNoBody()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "HEAD /teapot HTTP/1.1");

        Assert.That((answer.Status, answer.Body), Is.EqualTo((418, "")));
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

        Assert.That(answer.Status, Is.EqualTo(401));
        Assert.That(answer.Header("WWW-Authenticate"), Does.StartWith("Basic realm=\"sidecar demo\"").IgnoreCase);
    }

    [Test]
    public async Task UpgradeRequest_IsInspected()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /attack HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");

        Assert.That(answer.Status, Is.EqualTo(403));
    }
}
