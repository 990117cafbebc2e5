using System.Text.RegularExpressions;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Envoy;

/// <summary>Filters of a real Envoy that are not as they should be, that fail open, and that stand before ours.</summary>
[Category("EndToEnd")]
internal sealed class ProcFilterTests
{
    private const string Duplex = "FULL_DUPLEX_STREAMED";
    private const string Ours = "          - name: envoy.filters.http.ext_proc\n";
    private const string Types = "\"@type\": type.googleapis.com/envoy.extensions.filters.http";

    [TestCase("fault", "{ TYPES.fault.v3.HTTPFault, abort: { http_status: 429, percentage: { numerator: 100 } } }", 429)]
    [TestCase(
        "rbac", "{ TYPES.rbac.v3.RBAC, rules: { action: DENY, policies: { all: { permissions: [ { any: true } ], principals: [ { any: true } ] } } } }", 403)]
    [TestCase("local_ratelimit", "{ TYPES.local_ratelimit.v3.LocalRateLimit, stat_prefix: l, token_bucket: { max_tokens: 1, fill_interval: 3600s }, "
        + "filter_enabled: { default_value: { numerator: 100 } }, filter_enforced: { default_value: { numerator: 100 } } }", 429)]
    public async Task AnswerOfAFilterBefore_StaysWhatItIs(string filter, string configuration, int status)
    {
        await using var stack = await ProcStack.StartAsync(Duplex, edit: text => text.Replace(
            Ours, $"          - name: envoy.filters.http.{filter}\n            typed_config: "
                + $"{configuration.Replace("TYPES", Types, StringComparison.Ordinal)}\n{Ours}", StringComparison.Ordinal));

        // The rate limit has a token for one.
        await RawHttp.SendAsync(stack.Envoy.Port, "GET / HTTP/1.1");
        var answer = await RawHttp.SendAsync(stack.Envoy.Port, "GET / HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(status));
        Assert.That(await stack.EndedAsync("not-subject", "local-reply"), Is.EqualTo(filter == "local_ratelimit" ? 1 : 2));
        Assert.That(stack.Agent.Seen.OfType<ResponseHeadersEvent>().Count(response => response.Status == status), Is.Zero);
    }

    [Test]
    public async Task ClaimsOfAToken_ReachAgentsAsTheHeadersThatEnvoyMakesOfThem()
    {
        await using var stack = await ProcStack.StartAsync(Duplex, edit: EarlierFilters.In);

        var answer = await RawHttp.SendAsync(
            stack.Envoy.Port, "GET /members HTTP/1.1", $"Authorization: Bearer {EarlierFilters.Token("""{"sub":"alice"}""")}", "X-Claim-Sub: mallory");

        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That(stack.Agent.Seen.OfType<RequestHeadersEvent>().Single().Headers.GetAll("x-claim-sub"), Is.EqualTo(new[] { "alice" }));
    }

    [TestCase("DEFAULT", 200)]
    [TestCase("CLEAR", 299)]
    public async Task HeadersThatAgentsSet_ChooseTheRoute_WhereTheFilterSaysSo(string action, int status)
    {
        const string Routes = "              routes:\n";
        const string Marked = "              - { match: { prefix: /, headers: [ { name: x-set, string_match: { exact: '1' } } ] }, direct_response: { status: 299 } }\n";
        await using var stack = await ProcStack.StartAsync(Duplex, edit: text => text
            .Replace(Routes, Routes + Marked, StringComparison.Ordinal)
            .Replace("failure_mode_allow: false", $"failure_mode_allow: false\n              route_cache_action: {action}", StringComparison.Ordinal));

        Assert.That((await RawHttp.SendAsync(stack.Envoy.Port, "GET / HTTP/1.1", "X-Act: request-headers edit")).Status, Is.EqualTo(status));
    }

    [TestCase("OPTIONS * HTTP/1.1", 404)]
    [TestCase("GET /a#b HTTP/1.1", 400)]
    public async Task EnvoysOwnAnswer_StaysWhatItIs(string line, int status)
    {
        await using var stack = await ProcStack.StartAsync(Duplex);

        Assert.That((await RawHttp.SendAsync(stack.Envoy.Port, line)).Status, Is.EqualTo(status));
        Assert.That(await stack.EndedAsync("not-subject", "local-reply"), Is.EqualTo(1));
    }

    // What Envoy says to what is no proper HTTP arrives only where responses are not sent.
    [TestCase("GET / HTTP/1.0\r\n\r\n", 426)]
    [TestCase("GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n", 400)]
    [TestCase("GET / HTTP/1.1\r\nHost: a\r\nX_Y: x\r\n\r\n", 400)]
    [TestCase("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501)]
    [TestCase("GET / HTTP/1.1\r\nHost: a\r\nX-Large: LARGE\r\n\r\n", 431)]
    public async Task EnvoysAnswerToWhatIsNoHttp_Arrives_WithTheConfigurationForRequests(string request, int status)
    {
        await RealEnvoy.RequireAsync();
        using var files = new TempDirectory();
        await using var daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"demo={files.Socket("agent")}", "--listen", $"envoy={files.Socket("envoy")}");
        await using var envoy = await RealEnvoy.StartAsync(files.Socket("envoy"), 9, "envoy-ext-proc.yaml");

        var text = await RawHttp.ExchangeTextAsync(envoy.Port, request.Replace("LARGE", new string('x', 100_000), StringComparison.Ordinal));

        Assert.That(text, Does.StartWith($"HTTP/1.1 {status}"));
    }

    [TestCase("request_header_mode: SEND", "request_header_mode: SKIP", TestName = "It does not ask about requests")]
    [TestCase(
        "response_attributes:",
        "forward_rules: { disallowed_headers: { patterns: [ { exact: ':path' } ] } }\n              response_attributes:",
        TestName = "It keeps the path to itself")]
    public async Task BrokenFilterThatFailsOpen_LetsNothingPass(string what, string by)
    {
        await using var stack = await ProcStack.StartAsync(
            "NONE", agentKeys: ",events=request-headers", edit: text => RealEnvoy.FailingOpen(text).Replace(what, by, StringComparison.Ordinal));

        for (var i = 0; i < 3; i++)
        {
            Assert.That((await RawHttp.SendAsync(stack.Envoy.Port, "GET / HTTP/1.1")).Status, Is.EqualTo(503));
        }

        Assert.That(await stack.Envoy.StatAsync("http.shop.ext_proc.failure_mode_allowed"), Is.Zero);
        Assert.That(await stack.StatusAsync(), Does.Contain("listener envoy:"));
    }

    [Test]
    public async Task OverrideThatTheFilterDoesNotHear_LetsOneBodyPass_CountedAsSuch_AndNoFurther()
    {
        await using var stack = await ProcStack.StartAsync("NONE", listenKeys: ",allow-mode-override=yes");

        var first = await RawHttp.SendBodyAsync(stack.Envoy.Port, "POST /first HTTP/1.1", "ATTACK");
        var second = await RawHttp.SendBodyAsync(stack.Envoy.Port, "POST /second HTTP/1.1", "ATTACK");

        Assert.That((first.Status, second.Status), Is.EqualTo((503, 413)));
        Assert.That(stack.Origin.Received.Select(static request => request.Target), Is.EqualTo(new[] { "/first" }));
        Assert.That(await stack.EndedAsync("bypassed", "unheard-override"), Is.EqualTo(1));
        Assert.That(await stack.StatusAsync(), Does.Contain("allow_mode_override"));
    }

    // In full duplex Envoy fails open only for what has no body: those it refuses whatever the failure mode.
    [TestCase("NONE", ",events=request-headers", "POST /unasked HTTP/1.1", 200)]
    [TestCase("BUFFERED", "", "POST /unasked HTTP/1.1", 200)]
    [TestCase(Duplex, "", "GET /unasked HTTP/1.1", 200)]
    [TestCase(Duplex, "", "POST /unasked HTTP/1.1", 500)]
    public async Task FilterThatFailsOpen_MarksExactlyWhatNobodyAnswered(string mode, string agentKeys, string line, int status)
    {
        await using var stack = await ProcStack.StartAsync(mode, agentKeys: agentKeys, listenKeys: ",failure-mode-allow=yes", edit: RealEnvoy.FailingOpen);

        await RawHttp.SendBodyAsync(stack.Envoy.Port, "POST /asked HTTP/1.1", "body", headers: "X-Sidecar-Bypassed: forged");
        await stack.Daemon.KillAsync();
        var answer = line.StartsWith("GET", StringComparison.Ordinal)
            ? await RawHttp.SendAsync(stack.Envoy.Port, line)
            : await RawHttp.SendBodyAsync(stack.Envoy.Port, line, "body");

        Assert.That(answer.Status, Is.EqualTo(status));
        Assert.That(
            stack.Origin.Received.Select(static request => $"{request.Target} {string.Join(',', request.Values("x-sidecar-bypassed"))}"),
            Is.EqualTo(status == 200 ? ["/asked ", "/unasked sidecar-unavailable"] : new[] { "/asked " }));
    }

    [Test]
    public async Task AgentThatHangs_IsRefusedBeforeAFilterThatFailsOpenGivesUp()
    {
        var agent = new LambdaAgent("demo")
        {
            Answers = static async (_, cancellation) =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
                return AgentResponse.Allow;
            },
        };

        // A hundred times the ready 0.2 s, so that a busy machine is no failure; the part of it that agents may use is the same.
        await using var stack = await ProcStack.StartAsync(
            "NONE", ",failure-mode-allow=yes,budget=14s", ",events=request-headers", agent,
            edit: static text => RealEnvoy.FailingOpen(text).Replace("message_timeout: 60s", "message_timeout: 20s", StringComparison.Ordinal));

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => RawHttp.SendAsync(stack.Envoy.Port, "GET / HTTP/1.1")));

        Assert.That(answers.Select(static answer => answer.Status), Is.All.EqualTo(504));
        Assert.That(stack.Origin.Received, Is.Empty);
    }

    [Test]
    public async Task SlowAgent_GetsTheTimeThatTheFilterGrants()
    {
        var slow = new LambdaAgent("demo")
        {
            Answers = static async (message, cancellation) =>
            {
                await Task.Delay(message is RequestHeadersEvent ? TimeSpan.FromSeconds(6) : TimeSpan.Zero, TimeProvider.System, cancellation);
                return AgentResponse.Allow;
            },
        };
        await using var stack = await ProcStack.StartAsync(
            "BUFFERED", ",budget=3s,max-message-timeout=60s", ",events=request-headers", slow, edit: static text => text
                .Replace("# max_message_timeout:", "max_message_timeout:", StringComparison.Ordinal).Replace(
                    "              message_timeout: 60s", "              message_timeout: 5s", StringComparison.Ordinal));

        Assert.That((await RawHttp.SendAsync(stack.Envoy.Port, "GET / HTTP/1.1")).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task FilterThatOnlyObserves_ShowsBodiesPieceByPiece()
    {
        await using var stack = await ProcStack.StartAsync("STREAMED", edit: static text => Regex.Replace(
            text, "(?m)^(?<indent> +)failure_mode_allow: false",
            "${indent}observability_mode: true\n${indent}deferred_close_timeout: 20s\n${indent}failure_mode_allow: true", RegexOptions.None,
            TimeSpan.FromSeconds(10)));

        Assert.That(
            (await RawHttp.SendBodyAsync(stack.Envoy.Port, "POST / HTTP/1.1", "observed", headers: "X-Act: request-body block")).Status, Is.EqualTo(200));

        await Eventually.TrueAsync(
            () => string.Concat(stack.Agent.Seen.OfType<RequestBodyChunkEvent>().Select(static piece => Events.Text(piece.Data))) == "observed",
            TimeSpan.FromSeconds(60), "the body at the agent");
    }
}
