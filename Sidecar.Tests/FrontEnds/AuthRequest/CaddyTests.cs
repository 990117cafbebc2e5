using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.EndToEnd;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AuthRequest;

/// <summary>Questions as Caddy's forward_auth sends them (proxy integration §4.2).</summary>
[TestFixture]
internal sealed class CaddyTests
{
    private static readonly string[] Usual =
        ["Host: sidecar", "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Host: shop.example", "X-Forwarded-Method: GET", "X-Forwarded-Proto: http", "X-Forwarded-Uri: /a?b"];

    [Test]
    public async Task Question_BelievesTheFiveNamesThatCaddyAlwaysSetsAndNoOther()
    {
        var waf = new TestAgent("waf");
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.Caddy, [waf]);

        var answer = await harness.SendAsync(
            "GET /v1/forward-auth?x=client HTTP/1.1",
            [.. Usual, "Upgrade: websocket", "X-Request-Id: mine", "X-Original-Uri: /forged", "X-Forwarded-Port: 1"]);

        var seen = waf.Last!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That((seen.Method, seen.Uri, seen.Metadata.ClientIp, seen.Metadata.ClientPort), Is.EqualTo(("GET", "/a?b", "192.0.2.7", (ushort)0)));
            Assert.That(seen.Metadata.RequestId, Is.EqualTo(seen.CorrelationId.ToString()), "the client's own is not believed");
            Assert.That(seen.Headers.Get("x-request-id"), Is.EqualTo("mine"));
            Assert.That(seen.Headers.Get("upgrade"), Is.EqualTo("websocket"), "Caddy passes the client's own");
            Assert.That(seen.Headers.Get("x-forwarded-port"), Is.EqualTo("1"), "Caddy sets none");
        }
    }

    /// <summary>Caddy would pass them on as they are.</summary>
    [TestCase("X-Sidecar-Client-Port: 1")]
    [TestCase("X-Sidecar-Host: other")]
    [TestCase("X_Sidecar_Id: forged")]
    [TestCase("X_Forwarded_Uri: /forged")]
    public async Task Question_WithANameThatWouldPassUnseen_IsRefusedAndCounted(string header)
    {
        var waf = new TestAgent("waf");
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.Caddy, [waf]);

        var answer = await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", [.. Usual, header]);

        Assert.That((answer.Status, waf.Asked, harness.Ended("refused", "malformed")), Is.EqualTo((403, 0, 1L)));
    }

    [Test]
    public async Task Allow_HasEverythingThereIsToCopy()
    {
        var response = Answer.Allow
            .WithRequestHeaders(HeaderOperation.Add("X-Client-Secret", "more"))
            .WithResponseHeaders(HeaderOperation.Set("X-Frame-Options", "DENY"));
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.Caddy, [new TestAgent("waf", response)]);

        var answer = await harness.SendAsync("GET /check HTTP/1.1", [.. Usual, "X-User: mallory", "X-Client-Secret: mine"]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Headers["X-User"], Is.EqualTo(new[] { "" }));
            Assert.That(answer.Headers["X-Client-Secret"], Is.EqualTo(new[] { "mine, more" }));
            Assert.That(answer.Headers["X-Sidecar-Bypassed"], Is.EqualTo(new[] { "" }));
            Assert.That(answer.Header("X-Sidecar-Action"), Is.EqualTo("allow"));
            Assert.That(answer.Header("X-Sidecar-Response-X-Frame-Options"), Is.EqualTo("DENY"));
            Assert.That(answer.Headers.Contains("X-Sidecar-Reply"), Is.False);
        }
    }

    [TestCase(true, 503)]
    [TestCase(false, 200)]
    public async Task RemovalWithoutAPlace_RefusesUnlessTheRouteSaysOtherwise(bool refuses, int status)
    {
        var response = Answer.Allow.WithRequestHeaders(HeaderOperation.Remove("X-Debug"), HeaderOperation.Set("X-User", "alice"));
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.Caddy, [new TestAgent("waf", response)], refusesUnapplied: refuses);

        var answer = await harness.SendAsync("GET /check HTTP/1.1", [.. Usual, "X-Debug: 1"]);

        Assert.That((answer.Status, harness.Unapplied("request-header-remove")), Is.EqualTo((status, 1)));
        Assert.That(answer.Header("X-User"), Is.EqualTo(refuses ? "" : "alice"), "a reply carries nothing to copy");
        Assert.That(harness.Ended("refused", "unapplied"), Is.EqualTo(refuses ? 1 : 0));
    }

    [Test]
    public async Task ReplyPath_IsNoneHere()
    {
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.Caddy, [new TestAgent("waf")]);

        Assert.That((await harness.SendAsync("GET /v1/reply/x HTTP/1.1", Usual)).Status, Is.EqualTo(404));
        Assert.That((await harness.SendAsync("GET /healthz HTTP/1.1", Usual)).Status, Is.EqualTo(200));
    }

    [TestCase(CaddySetup.Ready)]
    [TestCase(CaddySetup.ShortForm)]
    [Category("EndToEnd")]
    public async Task ChallengeWithTwoCookies_ArrivesThroughARealCaddy(CaddySetup setup)
    {
        // Two spellings of one name: the only way for two lines in a map.
        var cookies = new Dictionary<string, string>(StringComparer.Ordinal) { ["Set-Cookie"] = "a=1; HttpOnly", ["set-cookie"] = "b=2" };
        var response = new AgentResponse { Decision = new BlockDecision(429) { Headers = cookies, Body = "<p>are you human?</p>" } };
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.Caddy, [new TestAgent("bot", response)]);
        await using var origin = await OriginServer.StartAsync();
        await using var caddy = await CaddyServer.StartAsync(harness.SocketPath, origin.Port, setup);

        var answer = await RawHttp.SendAsync(caddy.Port, "GET /hello HTTP/1.1");

        Assert.That((answer.Status, answer.Body, origin.Requests), Is.EqualTo((429, "<p>are you human?</p>", 0L)));
        Assert.That(answer.Headers["Set-Cookie"], Is.EqualTo(new[] { "a=1; HttpOnly", "b=2" }));
    }
}
