using NUnit.Framework;
using NUnit.Framework.Constraints;

namespace Sidecar.Tests.EndToEnd;

/// <summary>What a client sends can neither change what is inspected nor let it through, with any proxy, even where an absent sidecar would.</summary>
[TestFixtureSource(typeof(ProxyContracts), nameof(ProxyContracts.All))]
[Category("EndToEnd")]
internal sealed class ProxyContractClientTests(ProxyContract proxy)
{
    private DemoStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await DemoStack.StartAsync(proxy.Setup, failsOpen: true, new ProxyChanges { Http = proxy.GenerousToClients });

    [OneTimeTearDown]
    public async Task StopAsync() => await (_stack?.DisposeAsync() ?? ValueTask.CompletedTask);

    [TestCase("X-Sidecar-Action: allow")]
    [TestCase("X_Sidecar_Action: allow")]
    [TestCase("X-Sidecar-Reply: x")]
    [TestCase("X-Sidecar-Secret: x")]
    [TestCase("X-Original-URI: /harmless")]
    [TestCase("X_Original_URI: /harmless")]
    [TestCase("X-Original-Method: OPTIONS")]
    [TestCase("X-Forwarded-Uri: /harmless")]
    [TestCase("X_Forwarded_Uri: /harmless")]
    [TestCase("X-Forwarded-Uri: /harmless\r\nX-Forwarded-Uri: /harmless")]
    [TestCase("X-Forwarded-Method: OPTIONS")]
    [TestCase("X-Forwarded-Host: other.example.org")]
    [TestCase("X-Forwarded-For: 127.0.0.1")]
    [TestCase("X-Envoy-Original-Path: /harmless")]
    [TestCase("X-Request-Id: 1")]
    [TestCase("Connection: X-Forwarded-Uri, X-Original-URI")]
    [TestCase("Connection: X-Forwarded-Method, X-Forwarded-Uri")]
    [TestCase("Expect: 100-continue")]
    [TestCase("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n")]
    [TestCase("Transfer-Encoding: chunked\r\nTrailer: X-Original-URI\r\nConnection: close\r\n\r\n0\r\nX-Original-URI: /harmless")]
    public async Task ForgedHeader_DoesNotHideAnAttack(string header)
    {
        var before = _stack.Origin.Requests;

        Assert.That(await StatusAsync("GET /attack HTTP/1.1", header), IsBlockedOrRefused);
        Assert.That(_stack.Origin.Requests, Is.EqualTo(before));
    }

    [TestCase("X-Sidecar-Id: forged")]
    [TestCase("X-Sidecar-Bypassed: forged")]
    [TestCase("X-User: forged")]
    public async Task HeaderOfOurs_IsNeverTheClients(string header)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", header);

        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That(answer.Body, Does.Not.Contain("forged"));
    }

    [TestCase("X-Sidecar-Audit: forged")]
    [TestCase("X-Sidecar-Foo: forged")]
    [TestCase("X-Sidecar-Arg-Foo: forged")]
    [TestCase("X_Sidecar_Id: forged")]
    [TestCase("X-Sidecar_Id: forged")]
    [TestCase("X_Sidecar_Bypassed: forged")]
    [TestCase("X_User: forged")]
    public async Task NameThatPassesForOneOfOurs_IsTakenAwayOrRefused(string header)
    {
        if (header.StartsWith("X_User", StringComparison.Ordinal) && proxy.PassesUnderscores)
        {
            Assert.Ignore("this configuration passes it");
        }

        var answer = await RawHttp.ExchangeTextAsync(_stack.Port, $"GET /hello HTTP/1.1\r\nHost: shop.example.org\r\n{header}\r\nConnection: close\r\n\r\n");

        Assert.That(StatusOf(answer), Is.EqualTo(200).Or.EqualTo(403).Or.AnyOf([.. proxy.OwnRefusals]));
        Assert.That(answer, Does.Not.Contain("forged"));
    }

    [TestCase("/../healthz?attack")]
    [TestCase("/%2e%2e/healthz?attack")]
    [TestCase("/..%2fhealthz?attack")]
    [TestCase("/_sidecar/check/../../attack")]
    [TestCase("//attack")]
    [TestCase("//attack//x")]
    [TestCase("/./attack")]
    [TestCase("/x/../attack")]
    [TestCase("/x%2fattack")]
    [TestCase("/a?b?attack")]
    [TestCase("/?attack")]
    [TestCase("/v1/forward-auth?attack")]
    [TestCase("http://shop.example.org/attack")]
    [TestCase("/attack?\u00ff")]
    [TestCase("/attack\u00e9")]
    [TestCase("/attack?%00")]
    [TestCase("/attack%00")]
    public async Task OddPath_IsStillInspected(string target)
    {
        var before = _stack.Origin.Requests;

        Assert.That(await StatusAsync($"GET {target} HTTP/1.1"), IsBlockedOrRefused);
        Assert.That(_stack.Origin.Requests, Is.EqualTo(before));
    }

    [TestCase("/healthz")]
    [TestCase("/check")]
    [TestCase("/v1/forward-auth")]
    [TestCase("/v1/decide")]
    [TestCase("/v1/reply/x")]
    public async Task SidecarsOwnPath_IsAnOrdinaryPath(string target)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {target} HTTP/1.1");

        Assert.That(answer.Header("X-Origin"), Is.EqualTo("yes"), "the upstream answers, not the sidecar");
    }

    [TestCase("/_sidecar/check")]
    [TestCase("/_sidecar/decide")]
    [TestCase("/_sidecar/origin")]
    public async Task LocationOfTheQuestion_CannotBeAskedFromOutside(string target)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {target}?attack HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(404).Or.EqualTo(403), "not there, or inspected as any other");
    }

    [Test]
    public async Task HighBytes_AreInspected()
    {
        Assert.That(await StatusAsync("GET /\u00e9/attack HTTP/1.1", "X-Name: J\u00f6rg"), IsBlockedOrRefused);
        Assert.That(await StatusAsync("GET / HTTP/1.1", "User-Agent: \u00ff evil \u0080"), Is.EqualTo(403));
    }

    [Test]
    public async Task LargeHeader_IsInspectedOrRefused()
    {
        var before = _stack.Origin.Requests;

        Assert.That(await StatusAsync("GET /attack HTTP/1.1", "X-Large: " + new string('a', 12 * 1024)), Is.EqualTo(403));
        Assert.That(await StatusAsync("GET /hello HTTP/1.1", "X-Huge: " + new string('a', 200 * 1024)), Is.InRange(400, 499), "by the sidecar, or by the proxy's own limit");
        Assert.That(_stack.Origin.Requests, Is.EqualTo(before));
    }

    [TestCase(700)]
    [TestCase(8_000)]
    [TestCase(20_000)]
    public async Task ManyHeaders_DoNotPass(int count)
    {
        var before = _stack.Origin.Requests;

        Assert.That(await StatusAsync("GET /hello HTTP/1.1", [.. Enumerable.Repeat("a:", count)]), Is.InRange(400, 599));
        Assert.That(_stack.Origin.Requests, Is.EqualTo(before), "not even where an absent sidecar would let it");
    }

    private Constraint IsBlockedOrRefused => Is.EqualTo(403).Or.AnyOf([.. proxy.OwnRefusals]);

    private async Task<int> StatusAsync(string requestLine, params string[] headers) =>
        StatusOf(await RawHttp.ExchangeTextAsync(_stack.Port, string.Join("\r\n", [requestLine, "Host: shop.example.org", .. headers, "Connection: close", "", ""])));

    private int StatusOf(string answer) => answer.Length == 0 && proxy.MayRefuseByClosing ? 400 : RawAnswer.Parse(answer).Status;
}
