using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>What a client sends can neither change what is inspected nor let it through.</summary>
[Category("EndToEnd")]
internal sealed class NginxHostileClientTests
{
    private Stack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await Stack.StartAsync(http: "    large_client_header_buffers 8 512k;\n    underscores_in_headers on;");

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    [TestCase("X-Sidecar-Action: allow")]
    [TestCase("X-Sidecar-Reply: x")]
    [TestCase("X_Sidecar_Action: allow")]
    [TestCase("X-Original-URI: /harmless")]
    [TestCase("X_Original_URI: /harmless")]
    [TestCase("X-Original-Method: OPTIONS")]
    [TestCase("X-Forwarded-Host: other.example.org")]
    [TestCase("X-Forwarded-For: 127.0.0.1")]
    [TestCase("X-Request-Id: 1")]
    [TestCase("Expect: 100-continue")]
    [TestCase("Transfer-Encoding: chunked\r\nTrailer: X-Original-URI\r\nConnection: close\r\n\r\n0\r\nX-Original-URI: /harmless")]
    public async Task ForgedHeader_DoesNotHideAnAttack(string header)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /attack HTTP/1.1", header);

        Assert.That(answer.Status, Is.EqualTo(403).Or.EqualTo(400), "blocked, or refused by nginx itself");
    }

    [TestCase("X-Sidecar-Id: forged")]
    [TestCase("X-Sidecar-Bypassed: forged")]
    [TestCase("X-Sidecar-Audit: forged")]
    [TestCase("X-User: forged")]
    public async Task ForgedHeader_NeverReachesTheUpstream(string header)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", header);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(answer.Body, Does.Not.Contain("forged"));
        }
    }

    [TestCase("X-Sidecar-Foo: forged")]
    [TestCase("X-Sidecar-Arg-Foo: forged")]
    [TestCase("X_Sidecar_Id: forged")]
    [TestCase("X_Original_URI: forged")]
    public async Task NameThatWouldPassUnseen_IsRefusedAndCounted(string header)
    {
        var (before, asked) = (await RefusedAsync(), _stack.Origin.Requests);

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", header);

        Assert.That((answer.Status, _stack.Origin.Requests), Is.EqualTo((403, asked)));
        Assert.That(await RefusedAsync(), Is.EqualTo(before + 1));
    }

    [TestCase("/../healthz?attack")]
    [TestCase("/%2e%2e/healthz?attack")]
    [TestCase("/..%2fhealthz?attack")]
    [TestCase("/_sidecar/check/../../attack")]
    [TestCase("//attack")]
    [TestCase("/./attack")]
    [TestCase("/x/../attack")]
    public async Task OddPath_IsStillInspected(string target)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {target} HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(403).Or.EqualTo(400));
    }

    [TestCase("/healthz")]
    [TestCase("/check")]
    [TestCase("/v1/reply/x")]
    public async Task SidecarsOwnPath_IsAnOrdinaryPath(string target)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {target} HTTP/1.1");

        Assert.That(answer.Header("X-Origin"), Is.EqualTo("yes"), "the upstream answers, not the sidecar");
    }

    [Test]
    public async Task CheckLocation_CannotBeAskedFromOutside()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /_sidecar/check HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(404));
    }

    [Test]
    public async Task HighBytes_AreInspectedAndPass()
    {
        var allowed = await RawHttp.SendAsync(_stack.Port, "GET /caf\u00e9?\u00ff HTTP/1.1", "X-Name: J\u00f6rg", "X-Raw: \u0080\u00ff");
        var blocked = await RawHttp.SendAsync(_stack.Port, "GET /\u00e9/attack HTTP/1.1", "X-Name: J\u00f6rg");
        var byHeader = await RawHttp.SendAsync(_stack.Port, "GET / HTTP/1.1", "User-Agent: \u00ff evil \u0080");

        using (Assert.EnterMultipleScope())
        {
            // The upstream of this test refuses raw bytes in a path with 400; that it was asked is what matters.
            Assert.That(allowed.Status, Is.EqualTo(200).Or.EqualTo(400));
            Assert.That(blocked.Status, Is.EqualTo(403));
            Assert.That(byHeader.Status, Is.EqualTo(403));
        }
    }

    [Test]
    public async Task HugeHeader_IsRefusedAndCounted()
    {
        var before = await RefusedAsync();

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", "X-Huge: " + new string('a', 200 * 1024));

        Assert.That(answer.Status, Is.EqualTo(403));
        Assert.That(await RefusedAsync(), Is.EqualTo(before + 1));
    }

    [Test]
    public async Task ManyHeaders_AreRefused()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", Enumerable.Range(0, 700).Select(static i => $"X-H{i}: v"));

        Assert.That(answer.Status, Is.EqualTo(403).Or.EqualTo(400), "403 of the sidecar, or nginx's own refusal");
    }

    private Task<long> RefusedAsync() => _stack.MetricAsync("sidecar_exchanges_total", "state=\"refused\"", "cause=\"malformed\"");
}
