using NUnit.Framework;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.EndToEnd.Envoy;

/// <summary>Settings of a real Envoy's ext_authz filter that keep something from agents: what passes is marked or refused, counted, and told of.</summary>
[Category("EndToEnd")]
internal sealed class AuthzSettingTests
{
    private const string WithBodies = "with_request_body: { max_request_bytes: 1048576, allow_partial_message: true, pack_as_bytes: true }";
    private const string Sign = "with_request_body: { max_request_bytes: 1, allow_partial_message: true, pack_as_bytes: true }";

    /// <summary>Envoy takes Transfer-Encoding away before its filters: nothing tells of such a body.</summary>
    [TestCase("GET", true, 200, "maybe-body")]
    [TestCase("DELETE", true, 200, "maybe-body")]
    [TestCase("GET", false, 413, "")]
    [TestCase("POST", true, 413, "")]
    [TestCase("POST", false, 413, "")]
    public async Task FilterThatKeepsBodies_AndSaysSo_LetsNonePassUnmarked(string method, bool isChunked, int status, string mark)
    {
        await using var stack = await AuthzStack.StartAsync(
            AuthzWire.Grpc, listen: static text => text + ",with-request-body=no", edit: static text => text.Replace(WithBodies, "", StringComparison.Ordinal));

        var answer = await RawHttp.SendBodyAsync(stack.Port, $"{method} /b HTTP/1.1", "hidden", isChunked);

        Assert.That(answer.Status, Is.EqualTo(status));
        Assert.That(stack.Origin.Requests.Select(static one => one.Header("x-sidecar-bypassed")), Is.EqualTo(status == 200 ? [mark] : Array.Empty<string>()));
    }

    [TestCase(AuthzWire.Grpc, "content-length", 413)]
    [TestCase(AuthzWire.Grpc, "chunked", 200)]
    [TestCase(AuthzWire.Http, "content-length", 200)]
    [TestCase(AuthzWire.Http, "chunked", 200)]
    public async Task FilterThatKeepsBodies_AndDoesNotSaySo_LetsNonePassUnmarkedAndIsToldOf(AuthzWire wire, string framing, int status)
    {
        await using var stack = await AuthzStack.StartAsync(wire, edit: static text => text.Replace(WithBodies, "", StringComparison.Ordinal));

        var answer = await RawHttp.SendBodyAsync(stack.Port, "POST /b HTTP/1.1", "hidden", framing == "chunked");

        Assert.That(answer.Status, Is.EqualTo(status));
        Assert.That(
            stack.Origin.Requests.Select(static one => one.Header("x-sidecar-bypassed")), Is.EqualTo(status == 200 ? ["maybe-body"] : Array.Empty<string>()));
        Assert.That(await stack.StatusAsync(), Does.Contain("with_request_body"));
    }

    [Test]
    public async Task AgentThatNeedsBodies_BehindAFilterThatKeepsThem_IsAnErrorAtStart(
        [Values("envoy=/run/e.sock,with-request-body=no", "envoy=/run/e.sock,with-request-body=sign", "http=/run/e.sock,proxy=envoy-http")] string listener,
        [Values] bool isOptional)
    {
        await using var check = SidecarCommand.Start(
            "run",
            "--check",
            "--agent",
            $"waf=/run/waf.sock,events=request_headers+request_body_chunk{(isOptional ? ",body=optional" : "")}",
            "--listen",
            listener);
        await check.WaitForExitAsync();

        Assert.That(check.Output.Contains("agent waf needs bodies", StringComparison.Ordinal), Is.EqualTo(!isOptional), check.Output);
    }

    /// <summary>The form for agents of headers: every body is known of, and none is shown.</summary>
    [TestCase(AuthzWire.Grpc, "with-request-body=sign", 413)]
    [TestCase(AuthzWire.Http, "request-body=sign", 200)]
    public async Task SignOfABody_TellsTheTruthForEveryMethodAndFraming(AuthzWire wire, string key, int withBody)
    {
        await using var stack = await AuthzStack.StartAsync(
            wire,
            listen: text => text.Replace(",request-body=yes", "", StringComparison.Ordinal) + "," + key,
            edit: static text => text.Replace(WithBodies, Sign, StringComparison.Ordinal));

        foreach (var method in (string[])["GET", "POST", "DELETE"])
        {
            foreach (var isChunked in (bool[])[false, true])
            {
                Assert.That(
                    (await RawHttp.SendBodyAsync(stack.Port, $"{method} /b HTTP/1.1", "hidden", isChunked)).Status,
                    Is.EqualTo(withBody),
                    $"{method}, chunked {isChunked}");
            }

            Assert.That((await RawHttp.SendAsync(stack.Port, $"{method} /none HTTP/1.1")).Status, Is.EqualTo(200));
        }

        Assert.That(
            stack.Origin.Requests.Select(static one => (one.Body, one.Header("x-sidecar-bypassed") ?? "")),
            Has.All.Matches<(string Body, string Mark)>(static one => one.Mark == (one.Body.Length > 0 ? "no-body" : "")));
        Assert.That(stack.Agent.Seen, Has.None.InstanceOf<BodyChunkEvent>());
    }

    [TestCase("", 413)]
    [TestCase(",text-form=allow", 200)]
    public async Task BytesThatEnvoyReplaces_AreNeverJudgedAsTheyAreNot(string key, int status)
    {
        await using var stack = await AuthzStack.StartAsync(
            AuthzWire.Grpc, listen: text => text + key,
            edit: static text => text.Replace(", pack_as_bytes: true", "", StringComparison.Ordinal).Replace(
                "encode_raw_headers: true", "encode_raw_headers: false", StringComparison.Ordinal));

        var binary = await RawHttp.SendBodyAsync(stack.Port, "POST /b HTTP/1.1", "a\u00ff\u0080b");
        var text = await RawHttp.SendBodyAsync(stack.Port, "POST /b HTTP/1.1", "plain");

        Assert.That((binary.Status, text.Status), Is.EqualTo((status, 200)));
        Assert.That(await stack.StatusAsync(), Does.Contain("pack_as_bytes").And.Contain("encode_raw_headers"));
    }

    [Test]
    public async Task RouteThatNobodyDefined_IsToldOf()
    {
        await using var stack = await AuthzStack.StartAsync(AuthzWire.Grpc, edit: static text => text
            .Replace("# typed_per_filter_config:", "typed_per_filter_config:", StringComparison.Ordinal)
            .Replace("#   envoy.filters.http.ext_authz:", "  envoy.filters.http.ext_authz:", StringComparison.Ordinal)
            .Replace(
                "#     \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute",
                "    \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute",
                StringComparison.Ordinal)
            .Replace(
                "#     check_settings: { context_extensions: { route: api } }",
                "    check_settings: { context_extensions: { route: api } }",
                StringComparison.Ordinal));

        Assert.That((await RawHttp.SendAsync(stack.Port, "GET /x HTTP/1.1")).Status, Is.EqualTo(200));
        Assert.That(await stack.StatusAsync(), Does.Contain("names the route 'api'"));
    }

    [TestCase(AuthzWire.Grpc, false)]
    [TestCase(AuthzWire.Grpc, true)]
    [TestCase(AuthzWire.Http, false)]
    [TestCase(AuthzWire.Http, true)]
    public async Task DaemonThatIsGone_IsRefusedOrMarked(AuthzWire wire, bool failsOpen)
    {
        await using var stack = await AuthzStack.StartAsync(wire, edit: text => failsOpen ? AuthzStack.FailingOpen(text) : text);
        Assert.That((await RawHttp.SendAsync(stack.Port, "GET /x HTTP/1.1")).Status, Is.EqualTo(200));
        await stack.Daemon.KillAsync();

        var answer = await RawHttp.SendAsync(stack.Port, "GET /y HTTP/1.1");

        Assert.That((answer.Status, stack.Origin.Requests.Last().Target), Is.EqualTo(failsOpen ? (200, "/y") : (503, "/x")));
        Assert.That(stack.Origin.Requests.Last().Header("x-envoy-auth-failure-mode-allowed"), Is.EqualTo(failsOpen ? "true" : null));
    }
}
