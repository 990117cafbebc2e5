using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>What a client sends can neither change what is inspected nor let it through, even where an absent sidecar would.</summary>
[Category("EndToEnd")]
[TestFixture(CaddySetup.FailOpen)]
[TestFixture(CaddySetup.ShortForm)]
internal sealed class CaddyHostileClientTests(CaddySetup setup)
{
    private CaddyStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await CaddyStack.StartAsync(setup);

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    [TestCase("X-Forwarded-Uri: /harmless")]
    [TestCase("X_Forwarded_Uri: /harmless")]
    [TestCase("Connection: X-Forwarded-Uri")]
    [TestCase("Connection: X-Forwarded-Method, X-Forwarded-Uri")]
    [TestCase("X-Forwarded-Uri: /harmless\r\nX-Forwarded-Uri: /harmless")]
    [TestCase("X-Forwarded-Method: OPTIONS")]
    [TestCase("X-Forwarded-Host: other.example.org")]
    [TestCase("X-Forwarded-For: 127.0.0.1")]
    [TestCase("X-Original-URI: /harmless")]
    [TestCase("X-Sidecar-Action: allow")]
    [TestCase("X-Sidecar-Secret: x")]
    [TestCase("Expect: 100-continue")]
    [TestCase("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n")]
    public async Task ForgedHeader_DoesNotHideAnAttack(string header)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /attack HTTP/1.1", header);

        Assert.That(answer.Status, Is.EqualTo(403).Or.EqualTo(400), "blocked, or refused by Caddy itself");
    }

    [TestCase("X-Sidecar-Id: forged")]
    [TestCase("X-Sidecar-Bypassed: forged")]
    [TestCase("X-User: forged")]
    public async Task ForgedHeader_NeverReachesTheUpstream(string header)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", header);

        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That(answer.Body, Does.Not.Contain("forged"));
    }

    [TestCase("X-Sidecar-Anything: forged")]
    [TestCase("X_Sidecar_Bypassed: forged")]
    [TestCase("X-Sidecar_Id: forged")]
    public async Task OurOtherNames_NeverReachTheUpstream(string header)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", header);

        // What the short form does not strip the sidecar refuses.
        Assert.That(answer.Body, Does.Not.Contain("forged"));
        Assert.That(answer.Status, setup == CaddySetup.ShortForm ? Is.EqualTo(403).Or.EqualTo(200) : Is.EqualTo(200));
    }

    [TestCase("/../healthz?attack")]
    [TestCase("/%2e%2e/healthz?attack")]
    [TestCase("/..%2fhealthz?attack")]
    [TestCase("//attack")]
    [TestCase("//attack//x")]
    [TestCase("/./attack")]
    [TestCase("/x/../attack")]
    [TestCase("/x%2fattack")]
    [TestCase("/a?b?attack")]
    [TestCase("/?attack")]
    [TestCase("/v1/forward-auth?attack")]
    [TestCase("http://shop.example.org/attack")]
    [TestCase("http://other.example.org/attack")]
    [TestCase("/attack?\u00ff")]
    [TestCase("/attack\u00e9")]
    [TestCase("/attack?%00")]
    [TestCase("/attack%00")]
    public async Task OddPath_IsStillInspected(string target)
    {
        var before = _stack.Origin.Requests;

        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {target} HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(403).Or.EqualTo(400));
        Assert.That(_stack.Origin.Requests, Is.EqualTo(before));
    }

    [TestCase("//odd//path")]
    [TestCase("/a/../b")]
    [TestCase("/a%2fb?c=%2e&d")]
    [TestCase("/a??b")]
    [TestCase("/?")]
    public async Task OddPath_ReachesTheUpstreamAsItIs(string target)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {target} HTTP/1.1");

        Assert.That(answer.Body, Does.Contain($"\":target\":\"{target.Replace("&", "\\u0026", StringComparison.Ordinal)}\""));
    }

    [TestCase("/healthz")]
    [TestCase("/v1/forward-auth")]
    [TestCase("/v1/reply/x")]
    public async Task SidecarsOwnPath_IsAnOrdinaryPath(string target)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {target} HTTP/1.1");

        Assert.That(answer.Header("X-Origin"), Is.EqualTo("yes"), "the upstream answers, not the sidecar");
    }

    /// <summary>Where its rewrite to the question changes nothing, Caddy sends the client's body to the sidecar; the ready rewrite always changes something.</summary>
    [Test]
    public async Task BodyOfAGetToTheQuestionsPath_IsNotTakenForTheQuestions()
    {
        string[] body = ["Content-Length: 9", "Connection: close", "", "some body"];

        var allowed = await RawHttp.SendAsync(_stack.Port, "GET /v1/forward-auth HTTP/1.1", body);
        var blocked = await RawHttp.SendAsync(_stack.Port, "GET /v1/forward-auth?attack HTTP/1.1", body);

        if (setup == CaddySetup.ShortForm)
        {
            Assert.That(new[] { allowed.Status, blocked.Status }, Is.All.GreaterThanOrEqualTo(400), "Caddy loses the body on the way, and nothing passes without it");
        }
        else
        {
            Assert.That((allowed.Status, blocked.Status), Is.EqualTo((200, 403)));
            Assert.That(allowed.Body, Does.Contain("\":body\":\"some body\"").And.Contain("\"X-Sidecar-Bypassed\":\"no-body\""), "the client's own, marked because no agent saw it");
        }
    }

    [Test]
    public async Task LargeHeader_IsInspectedOrRefused()
    {
        var inspected = await RawHttp.SendAsync(_stack.Port, "GET /attack HTTP/1.1", "X-Large: " + new string('a', 20 * 1024));
        var refused = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", "X-Huge: " + new string('a', 200 * 1024));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(inspected.Status, Is.EqualTo(403));
            Assert.That(refused.Status, Is.EqualTo(setup == CaddySetup.ShortForm ? 403 : 431), "403 of the sidecar, or 431 of Caddy by its own limit");
            Assert.That(await _stack.MetricAsync("sidecar_exchanges_total", "state=\"refused\"", "cause=\"malformed\""), Is.EqualTo(setup == CaddySetup.ShortForm ? 1 : 0));
        }
    }

    [Test]
    public async Task ManyHeaders_DoNotPass()
    {
        var before = _stack.Origin.Requests;
        foreach (var count in new[] { 600, 8_000, 20_000 })
        {
            var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", Enumerable.Repeat("a:", count));

            Assert.That(answer.Status, Is.InRange(400, 599), $"{count} fields");
        }

        Assert.That(_stack.Origin.Requests, Is.EqualTo(before), "not even where an absent sidecar would let it");
    }
}
