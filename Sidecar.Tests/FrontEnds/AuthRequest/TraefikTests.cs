using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AuthRequest;

/// <summary>Questions as Traefik's ForwardAuth sends them, over loopback TCP (proxy integration §4.1).</summary>
[TestFixture]
internal sealed class TraefikTests
{
    [TestCase("GET")]
    [TestCase("POST", Description = "preserveRequestMethod")]
    public async Task Question_AgentSeesTheClientsRequest(string method)
    {
        var waf = new TestAgent("waf");
        await using var harness = await TraefikCheck.StartAsync(waf);

        var answer = await harness.SendAsync(
            $"{method} /v1/forward-auth HTTP/1.1",
            [.. TraefikCheck.Usual, .. method == "POST" ? ["Content-Length: 0"] : Array.Empty<string>(), "X-Original-Uri: /forged"]);

        var seen = waf.Last!;
        var names = Enumerable.Range(0, seen.Headers.Count).Select(i => System.Text.Encoding.UTF8.GetString(seen.Headers.Name(i)));
        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Body), Is.EqualTo((200, "")));
            Assert.That(
                (seen.Method, seen.Uri, seen.Metadata.ClientIp, seen.Metadata.ServerName), Is.EqualTo(("POST", "/a/../b%2f?c", "192.0.2.7", "shop.example")));
            Assert.That(
                names,
                Is.EquivalentTo(new[] { "user-agent", "x-original-uri", "host", "accept-encoding" }),
                "what Traefik's own client adds cannot be told from the client's; never the secret");
        }
    }

    /// <summary>Traefik would pass them on as they are.</summary>
    [TestCase("X_Forwarded_Uri: /forged")]
    [TestCase("X-Sidecar-Anything: forged")]
    public async Task Question_WithANameThatWouldPassUnseen_IsRefusedAndCounted(string header)
    {
        var waf = new TestAgent("waf");
        await using var harness = await TraefikCheck.StartAsync(waf);

        var answer = await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", [.. TraefikCheck.Usual, header]);

        Assert.That((answer.Status, waf.Asked, harness.Ended("refused", "malformed")), Is.EqualTo((403, 0, 1L)));
    }

    [Test]
    public async Task Allow_EveryCopiedHeaderIsThereAlsoWhenEmpty()
    {
        var response = Answer.Allow.WithRequestHeaders(HeaderOperation.Remove("x-client-secret"));
        await using var harness = await TraefikCheck.StartAsync(new TestAgent("waf", response));

        var answer = await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", [.. TraefikCheck.Usual, "X-User: mallory", "X-Client-Secret: s"]);

        foreach (var name in new[] { "X-User", "X-Client-Secret", "X-Sidecar-Bypassed" })
        {
            Assert.That(answer.Headers[name], Is.EqualTo(new[] { "" }), name);
        }

        Assert.That(answer.Headers["X-Sidecar-Id"].Single(), Does.Match("^[0-9a-f]{32}$"));
    }

    [TestCase(300, 300)]
    [TestCase(503, 503)]
    [TestCase(200, 403)]
    [TestCase(204, 403)]
    [TestCase(299, 403)]
    public async Task Block_NeverHasAStatusThatTraefikTakesForAnAllow(int asked, int status)
    {
        await using var harness = await TraefikCheck.StartAsync(new TestAgent("waf", Answer.Block(asked)));

        var answer = await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", TraefikCheck.Usual);

        Assert.That((answer.Status, answer.Header("X-Sidecar-Status")), Is.EqualTo((status, status == asked ? "" : $"{asked}")));
    }

    /// <summary>Some statuses have no body; the one in their place has.</summary>
    [TestCase(204)]
    [TestCase(205)]
    [TestCase(299)]
    public async Task Block_WhoseStatusIsReplaced_KeepsItsPage(int asked)
    {
        await using var harness = await TraefikCheck.StartAsync(new TestAgent("waf", Answer.Block(asked).WithBody("no entry")));

        var answer = await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", TraefikCheck.Usual);

        Assert.That((answer.Status, answer.Body, answer.Header("X-Sidecar-Status")), Is.EqualTo((403, "no entry", $"{asked}")));
    }

    /// <summary>Whoever asks with the client's own CONNECT takes what follows an answer for a tunnel, and would wait for its end.</summary>
    [Test]
    public async Task QuestionByConnect_EndsItsConnection()
    {
        await using var harness = await TraefikCheck.StartAsync(new TestAgent("waf", Answer.Block()));
        string[] forConnect = [.. TraefikCheck.Usual.Select(static line => line.StartsWith("X-Forwarded-Method", StringComparison.Ordinal)
            ? "X-Forwarded-Method: CONNECT"
            : line)];

        var answer = await harness.SendKeptAsync("CONNECT /v1/forward-auth HTTP/1.1", forConnect);

        Assert.That((answer.Status, answer.Header("Connection")), Is.EqualTo((403, "close")).Or.EqualTo((400, "close")));
    }

    [Test]
    public async Task Upgrade_IsBelievedOfTheConfigurationThatSetsItAndOfNoOther()
    {
        var waf = new TestAgent("waf");
        await using var harness = await TraefikCheck.StartAsync(waf);

        var told = await harness.SendAsync("GET /v1/forward-auth/upgrades HTTP/1.1", [.. TraefikCheck.Usual, "X-Sidecar-Upgrade: websocket"]);
        var shown = waf.Last!.Headers.Get("upgrade");
        var forged = await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", [.. TraefikCheck.Usual, "X-Sidecar-Upgrade: websocket"]);

        Assert.That((told.Status, shown, forged.Status, waf.Asked), Is.EqualTo((200, "websocket", 403, 1)));
    }

    [TestCase(0, "192.0.2.7", null)]
    [TestCase(1, "198.51.100.7", "203.0.113.9, 198.51.100.7")]
    [TestCase(2, "203.0.113.9", "203.0.113.9, 198.51.100.7")]
    [TestCase(3, "203.0.113.9", "203.0.113.9, 198.51.100.7")]
    public async Task ClientsAddress_IsThatOfTheTrustedHop(int hops, string address, string? list)
    {
        var waf = new TestAgent("waf");
        await using var harness = await TraefikCheck.StartAsync(waf, HttpHarness.Defaults with { TrustedHops = hops });

        await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", TraefikCheck.Trusting);

        Assert.That((waf.Last!.Metadata.ClientIp, waf.Last.Headers.Get("x-forwarded-for")), Is.EqualTo((address, list)));
        Assert.That(waf.Last.Headers.Get("x-real-ip"), Is.EqualTo("203.0.113.9"), "it goes on");
        Assert.That(harness.Daemon.Inspector.Warnings.All, Has.Count.EqualTo(hops == 3 ? 1 : 0));
    }

    [TestCase("/v1/forward-auth")]
    [TestCase("/check")]
    [TestCase("/readyz")]
    [TestCase("/healthz")]
    [TestCase("/")]
    public async Task WithoutTheSecret_NobodyIsAskedWhateverThePath(string path)
    {
        var waf = new TestAgent("waf");
        await using var harness = await TraefikCheck.StartAsync(waf);
        string[] others = [.. TraefikCheck.Usual.Where(static line => !line.StartsWith("X-Sidecar-Secret", StringComparison.Ordinal))];
        string[][] attempts =
        [
            others,
            [.. others, "Content-Type: application/grpc"],
            [.. others, "X-Sidecar-Secret: "],
            [.. others, $"X-Sidecar-Secret: {TraefikCheck.Secret[..^1]}"],
            [.. others, $"X-Sidecar-Secret: {TraefikCheck.Secret[..^1]}W"],
            [.. others, $"X-Sidecar-Secret: {TraefikCheck.Secret}x"],
            [.. others, $"X_Sidecar_Secret: {TraefikCheck.Secret}"],
            [.. TraefikCheck.Usual, $"X-Sidecar-Secret: {TraefikCheck.Secret}"],
        ];

        foreach (var attempt in attempts)
        {
            var answer = await harness.SendAsync($"GET {path} HTTP/1.1", attempt);
            Assert.That((answer.Status, answer.Body), Is.EqualTo((403, "")));
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(waf.Asked, Is.Zero);
            Assert.That(harness.Ended("refused", "unauthorized"), Is.EqualTo(attempts.Length));
            Assert.That(harness.Daemon.Logs.Collector.GetSnapshot().Count(static entry => entry.Id.Id == 3004), Is.EqualTo(1), "once a minute");
            Assert.That(
                harness.Daemon.Logs.Collector.GetSnapshot(),
                Has.None.Matches<FakeLogRecord>(static entry => entry.Message.Contains(TraefikCheck.Secret, StringComparison.Ordinal)));
        }
    }
}
