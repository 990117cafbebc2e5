using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AuthRequest;

/// <summary>
/// Questions as Envoy's ext_authz sends them over HTTP: the client's own request line, and nothing else on the listener (proxy integration §3.6).
/// </summary>
[TestFixture]
internal sealed class EnvoyHttpTests
{
    private const string Remove = "x-envoy-auth-headers-to-remove";

    private static readonly string[] Usual =
    [
        "host: shop.example:8443", "content-length: 0", "x-request-id: r1", "x-sidecar-client-address: 192.0.2.7", "x-sidecar-client-port: 4711",
        "x-sidecar-protocol: HTTP/2", "x-sidecar-tls-version: TLSv1.3",
    ];

    [Test]
    public async Task Question_AgentSeesTheClientsRequest()
    {
        var waf = new TestAgent("waf");
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.EnvoyHttp, [waf]);

        var answer = await harness.SendAsync(
            "PUT /a/../b%2fc//d?e=%2e HTTP/1.1",
            [.. Usual, "cookie: a=1", "x-forwarded-uri: /forged", "x-original-uri: /forged", "x_sidecar_client_address: forged", "x-sidecar-action: allow"]);

        var seen = waf.Last!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Body), Is.EqualTo((200, "")));
            Assert.That((seen.Method, seen.Uri), Is.EqualTo(("PUT", "/a/../b%2fc//d?e=%2e")));
            Assert.That((seen.Metadata.ClientIp, seen.Metadata.ClientPort, seen.Metadata.RequestId), Is.EqualTo(("192.0.2.7", (ushort)4711, "r1")));
            Assert.That((seen.Metadata.ServerName, seen.Metadata.Protocol, seen.Metadata.TlsVersion), Is.EqualTo(("shop.example", "HTTP/2", "TLSv1.3")));
            Assert.That(seen.Headers.Get("host"), Is.EqualTo("shop.example:8443"));
            Assert.That(seen.Headers.Get("cookie"), Is.EqualTo("a=1"));
            Assert.That(seen.Headers.Get("x-forwarded-uri"), Is.EqualTo("/forged"), "a header like any other here");
            Assert.That(seen.Headers.Get("x-sidecar-action"), Is.Null);
            Assert.That(seen.Headers.Get("x_sidecar_client_address"), Is.Null);
            Assert.That(seen.Headers.Get("content-length"), Is.Null, "Envoy's own");
            Assert.That(harness.Ended("inspected", "none"), Is.EqualTo(1));
        }
    }

    /// <summary>Of its answer Envoy makes a status and a message; the status that an agent meant counts, not the one that stands for it here.</summary>
    [TestCase("application/grpc+json", 503, 403, "14", "503 Service Unavailable")]
    [TestCase("application/grpc", 429, 429, "8", "429 Too Many Requests")]
    [TestCase("application/grpc", 204, 204, "7", "")]
    [TestCase("application/grpc-web", 429, 429, "", "<!doctype html>")]
    public async Task GrpcClient_IsToldByAStatusAndOneLine(string type, int block, int status, string code, string told)
    {
        var waf = new TestAgent("waf", Answer.Block(block));
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.EnvoyHttp, [waf]);

        var answer = await harness.SendAsync("POST /shop.Shop/Buy HTTP/1.1", [.. Usual, $"content-type: {type}"]);

        Assert.That((answer.Status, answer.Header("grpc-status")), Is.EqualTo((status, code)));
        Assert.That(answer.Body, code.Length == 0 ? Does.StartWith(told) : Is.EqualTo(told));
    }

    [TestCase("/healthz")]
    [TestCase("/readyz")]
    [TestCase("/check")]
    [TestCase("/v1/forward-auth")]
    [TestCase("/v1/reply/x")]
    [TestCase("/../healthz")]
    [TestCase("//healthz")]
    [TestCase("/x/..;/healthz?a")]
    public async Task AnyPath_IsTheClients(string path)
    {
        var waf = new TestAgent("waf", Answer.Block(418));
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.EnvoyHttp, [waf]);

        var answer = await harness.SendAsync($"GET {path} HTTP/1.1", Usual);

        Assert.That((answer.Status, waf.Last!.Uri), Is.EqualTo((418, path)));
    }

    [TestCase("/%00", "shop.example")]
    [TestCase("/\u00e9", "shop.example")]
    [TestCase("/?\u00ff", "shop.example")]
    [TestCase("/", "shop example")]
    [TestCase("/", "shop.example\r\nhost: other.example")]
    public async Task WhatNoUrlMayHold_IsRefusedByTheServerItself(string path, string host)
    {
        var waf = new TestAgent("waf");
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.EnvoyHttp, [waf]);

        var answer = await harness.SendAsync($"GET {path} HTTP/1.1", $"host: {host}");

        Assert.That((answer.Status, waf.Asked), Is.EqualTo((400, 0)), "a refusal to Envoy, whatever its failure_mode_allow says");
    }

    [TestCase("GET http://other.example/ HTTP/1.1", "host: other.example")]
    [TestCase("CONNECT other.example:443 HTTP/1.1", "host: other.example:443")]
    public async Task TargetThatIsNoPath_IsRefusedAndCounted(string requestLine, string host)
    {
        var waf = new TestAgent("waf");
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.EnvoyHttp, [waf]);

        var answer = await harness.SendAsync(requestLine, host);

        Assert.That(answer.Status, Is.EqualTo(403));
        Assert.That((harness.Ended("refused", "malformed"), waf.Asked), Is.EqualTo((1, 0)));
    }

    [TestCase("/authz/a?b", 200, "/a?b")]
    [TestCase("/authz/../authz/a", 200, "/../authz/a")]
    [TestCase("/authz", 400, null)]
    [TestCase("/other/a", 400, null)]
    [TestCase("/authzother", 403, null)]
    public async Task PathPrefix_IsTakenAway(string path, int status, string? uri)
    {
        var waf = new TestAgent("waf");
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.EnvoyHttp, [waf], HttpHarness.Defaults with { PathPrefix = "/authz" });

        var answer = await harness.SendAsync($"GET {path} HTTP/1.1", Usual);

        Assert.That((answer.Status, waf.Last?.Uri), Is.EqualTo((status, uri)));
    }

    [TestCase(201, 201)]
    [TestCase(302, 302)]
    [TestCase(401, 401)]
    [TestCase(429, 429)]
    [TestCase(499, 499)]
    [TestCase(200, 403, Description = "would be an allow")]
    [TestCase(500, 403, Description = "would be a failure, which failure_mode_allow lets pass")]
    [TestCase(503, 403)]
    [TestCase(599, 403)]
    public async Task Block_ArrivesAsAStatusThatEnvoyTakesForARefusal(int asked, int status)
    {
        await using var harness = await HttpListenerHarness.StartAsync(
            ProxyProfile.EnvoyHttp, [new TestAgent("waf", Answer.Block(asked).WithBody("no").WithHeader("X-A", "b").WithRule("942100"))]);

        var answer = await harness.SendAsync("GET / HTTP/1.1", Usual);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Body, answer.Header("x-a")), Is.EqualTo((status, "no", "b")));
            Assert.That(answer.Header("X-Sidecar-Status"), Is.EqualTo(status == asked ? "" : $"{asked}"));
            Assert.That(answer.Header("X-Sidecar-Audit"), Is.Empty, "the client may see what stands here");
            Assert.That(answer.Header("Content-Length"), Is.EqualTo("2"));
        }
    }

    [Test]
    public async Task AbsentAgent_IsRefusedEvenWhereEnvoyFailsOpen()
    {
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.EnvoyHttp, [new TestAgent("waf") { IsUp = false }]);

        var answer = await harness.SendAsync("GET / HTTP/1.1", Usual);

        Assert.That((answer.Status, answer.Header("X-Sidecar-Status")), Is.EqualTo((403, "503")));
        Assert.That(harness.Ended("refused", "agent-absent"), Is.EqualTo(1));
    }

    [Test]
    public async Task DefectOfOurs_IsRefusedEvenWhereEnvoyFailsOpen()
    {
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.EnvoyHttp, [new TestAgent("waf")], form: new BrokenForm());

        var answer = await harness.SendAsync("GET / HTTP/1.1", [.. Usual, "x-client-secret: s"]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Body), Is.EqualTo((403, "")), "500 would be a failure, which failure_mode_allow lets pass");
            Assert.That(answer.Headers.Contains("X-Client-Secret"), Is.False);
            Assert.That(harness.Ended("refused", "internal"), Is.EqualTo(1));
            Assert.That(harness.Daemon.Logs.Collector.GetSnapshot(), Has.One.Matches<FakeLogRecord>(static entry => entry.Id.Id == 3005));
        }
    }

    [Test]
    public async Task Head_IsBlockedWithoutABody()
    {
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.EnvoyHttp, [new TestAgent("waf", Answer.Block(418).WithBody("tea"))]);

        var answer = await harness.SendAsync("HEAD / HTTP/1.1", Usual);

        Assert.That((answer.Status, answer.Body), Is.EqualTo((418, "")));
    }

    [Test]
    public async Task Allow_SetsAndRemovesByNameAndTakesOurNamesAway()
    {
        var response = Answer.Allow
            .WithRequestHeaders(HeaderOperation.Set("X-User", "alice"), HeaderOperation.Remove("X-Client-Secret"), HeaderOperation.Remove("X-Debug"))
            .WithResponseHeaders(HeaderOperation.Set("X-Frame-Options", "DENY"));
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.EnvoyHttp, [new TestAgent("waf", response)]);

        var answer = await harness.SendAsync(
            "GET / HTTP/1.1", [.. Usual, "x-user: mallory", "x-client-secret: s", "x-sidecar-bypassed: forged", "X_Sidecar_Id: forged", "x-sidecar-id: forged"]);

        var removed = answer.Header(Remove).Split(", ");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(answer.Header("X-User"), Is.EqualTo("alice"));
            Assert.That(answer.Header("X-Client-Secret"), Is.Empty);
            Assert.That(answer.Header("X-Frame-Options"), Is.EqualTo("DENY"));
            Assert.That(removed, Is.SupersetOf(new[] { "x-client-secret", "x-debug", "x-sidecar-bypassed", "x_sidecar_id", "x-sidecar-client-address" }));
            Assert.That(removed, Has.None.EqualTo("x-sidecar-id").And.None.EqualTo("x-user"), "what is set must not be removed after it");
            Assert.That(harness.Unapplied("request-header-remove"), Is.Zero, "Envoy can remove any");
        }
    }

    [Test]
    public async Task Allow_WhatNoAgentTouched()
    {
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.EnvoyHttp, [new TestAgent("waf")]);

        var answer = await harness.SendAsync("GET / HTTP/1.1", [.. Usual, "x-user: mallory", "x-client-secret: s"]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Header("X-Client-Secret"), Is.EqualTo("s"), "the client's own");
            Assert.That(answer.Header(Remove).Split(", "), Has.One.EqualTo("x-user").And.None.EqualTo("x-client-secret"));
            Assert.That(answer.Headers.Contains("X-Frame-Options"), Is.False, "an empty one would be added to the client's answer");
        }
    }

    [Test]
    public async Task Bypassed_IsMarkedForTheUpstream()
    {
        var absent = new TestAgent("waf") { IsUp = false };
        absent = new TestAgent("waf") { IsUp = false, Policy = absent.Policy with { OnFailure = Sidecar.Daemon.Configuration.FailureMode.Open } };
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.EnvoyHttp, [absent]);

        var answer = await harness.SendAsync("GET / HTTP/1.1", [.. Usual, "x-sidecar-bypassed: forged"]);

        Assert.That((answer.Status, answer.Header("X-Sidecar-Bypassed")), Is.EqualTo((200, "agent-absent")));
        Assert.That(answer.Header(Remove).Split(", "), Has.None.EqualTo("x-sidecar-bypassed"));
    }

    [Test]
    public async Task RemovalsThatDoNotFit_AreRefused()
    {
        var response = Answer.Allow.WithRequestHeaders([.. Enumerable.Range(0, 100).Select(static i => HeaderOperation.Remove($"x-{i}-{new string('a', 240)}"))]);
        await using var harness = await HttpListenerHarness.StartAsync(
            ProxyProfile.EnvoyHttp,
            [new TestAgent("one", response),
            new TestAgent("two", response with { RequestHeaders = [.. response.RequestHeaders.Select(static edit => HeaderOperation.Remove("b" + edit.Name))] })],
            refusesUnapplied: false);

        var answer = await harness.SendAsync("GET / HTTP/1.1", Usual);

        Assert.That((answer.Status, harness.Unapplied("request-header-size")), Is.EqualTo((403, 1)));
        Assert.That(answer.Headers.Contains(Remove), Is.False);
    }

    [Test]
    public async Task EmptyHost_IsShown()
    {
        var waf = new TestAgent("waf");
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.EnvoyHttp, [waf]);

        await harness.SendAsync("GET / HTTP/1.1", ["host: ", .. Usual.Skip(1)]);

        Assert.That(waf.Last!.Headers.Get("host"), Is.Empty.And.Not.Null);
    }

    [TestCase(RequestBodies.Shown, "hello", "false", "inspected", "none")]
    [TestCase(RequestBodies.Shown, "hello", "true", "refused", "truncated")]
    [TestCase(RequestBodies.Signed, "h", "true", "bypassed", "no-body")]
    [TestCase(RequestBodies.Kept, "hello", "false", "bypassed", "no-body")]
    public async Task Body_IsShownOrKnownOf(RequestBodies bodies, string body, string partial, string state, string cause)
    {
        var waf = new TestAgent("waf") { Policy = new TestAgent("x").Policy with { Events = EventSet.RequestHeaders | EventSet.RequestBodyChunk } };
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.EnvoyHttp, [waf], HttpHarness.Defaults with { Bodies = bodies });

        await harness.SendAsync(
            "GET /a HTTP/1.1", [Usual[0], $"content-length: {body.Length}", .. Usual.Skip(2), $"x-envoy-auth-partial-body: {partial}", "Connection: close", "", body]);

        Assert.That(harness.Ended(state, cause), Is.EqualTo(1));
        Assert.That(waf.Bodies, Is.EqualTo(state == "inspected" ? [body] : Array.Empty<string>()));
        Assert.That(harness.Daemon.Inspector.Warnings.All, Has.Count.EqualTo(bodies == RequestBodies.Kept ? 1 : 0));
    }

    /// <summary>Envoy keeps a client's own mark from us, and passes it on.</summary>
    [Test]
    public async Task ClientsOwnMark_IsTakenAway()
    {
        await using var harness = await HttpListenerHarness.StartAsync(ProxyProfile.EnvoyHttp, [new TestAgent("waf")]);

        Assert.That((await harness.SendAsync("GET / HTTP/1.1", Usual)).Header(Remove).Split(", "), Has.One.EqualTo("x-envoy-auth-partial-body"));
    }

    private sealed class BrokenForm : IVerdictWriter
    {
        public ReadOnlyMemory<byte> Write(IHttpResponseFeature answer, Exchange exchange, Verdict verdict, bool isGrpc) =>
            throw new InvalidOperationException("a defect");
    }
}
