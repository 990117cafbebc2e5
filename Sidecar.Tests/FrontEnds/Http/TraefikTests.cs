using System.Security.Cryptography;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Http;
using Sidecar.Protocol.Agents;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Http;

/// <summary>Questions as Traefik's ForwardAuth sends them, over loopback TCP (proxy integration §4.1).</summary>
[TestFixture]
internal sealed class TraefikTests
{
    private const string Secret = "K7cX0mQyT1uVb2Nw";

    private static readonly string[] Usual =
    [
        "Host: 127.0.0.1:9000", "User-Agent: curl", $"X-Sidecar-Secret: {Secret}", "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Host: shop.example", "X-Forwarded-Method: POST",
        "X-Forwarded-Port: 443", "X-Forwarded-Proto: https", "X-Forwarded-Server: traefik-1", "X-Forwarded-Uri: /a/../b%2f?c", "X-Real-Ip: 192.0.2.7",
    ];

    [TestCase("GET")]
    [TestCase("POST", Description = "preserveRequestMethod")]
    public async Task Question_AgentSeesTheClientsRequest(string method)
    {
        var waf = new TestAgent("waf");
        await using var harness = await StartAsync(waf);

        var answer = await harness.SendAsync($"{method} /v1/forward-auth HTTP/1.1", [.. Usual, "Content-Length: 0", "X-Original-Uri: /forged"]);

        var seen = waf.Last!;
        var names = Enumerable.Range(0, seen.Headers.Count).Select(i => System.Text.Encoding.UTF8.GetString(seen.Headers.Name(i)));
        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Body), Is.EqualTo((200, "")));
            Assert.That((seen.Method, seen.Uri, seen.Metadata.ClientIp, seen.Metadata.ServerName), Is.EqualTo(("POST", "/a/../b%2f?c", "192.0.2.7", "shop.example")));
            Assert.That(names, Is.EquivalentTo(new[] { "user-agent", "x-original-uri", "host" }), "nothing that Traefik added, and never the secret");
        }
    }

    /// <summary>Traefik would pass them on as they are.</summary>
    [TestCase("X_Forwarded_Uri: /forged")]
    [TestCase("X-Sidecar-Anything: forged")]
    public async Task Question_WithANameThatWouldPassUnseen_IsRefusedAndCounted(string header)
    {
        var waf = new TestAgent("waf");
        await using var harness = await StartAsync(waf);

        var answer = await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", [.. Usual, header]);

        Assert.That((answer.Status, waf.Asked, harness.Ended("refused", "malformed")), Is.EqualTo((403, 0, 1L)));
    }

    [Test]
    public async Task Allow_EveryCopiedHeaderIsThereAlsoWhenEmpty()
    {
        var response = Answer.Allow.WithRequestHeaders(HeaderOperation.Remove("x-client-secret"));
        await using var harness = await StartAsync(new TestAgent("waf", response));

        var answer = await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", [.. Usual, "X-User: mallory", "X-Client-Secret: s"]);

        foreach (var name in new[] { "X-User", "X-Client-Secret", "X-Sidecar-Bypassed" })
        {
            Assert.That(answer.Headers[name], Is.EqualTo(new[] { "" }), name);
        }

        Assert.That(answer.Headers["X-Sidecar-Id"].Single(), Does.Match("^[0-9a-f]{32}$"));
    }

    [Test]
    public async Task Allow_CookiesForTheClientStayLinesOfTheirOwn()
    {
        var response = Answer.Allow.WithResponseHeaders(HeaderOperation.Add("Set-Cookie", "a=1; Path=/"), HeaderOperation.Add("set-cookie", "b=2"), HeaderOperation.Set("X-Frame-Options", "DENY"));
        await using var harness = await StartAsync(new TestAgent("waf", response));

        var answer = await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", Usual);

        Assert.That(answer.Headers["Set-Cookie"], Is.EqualTo(new[] { "a=1; Path=/", "b=2" }));
        Assert.That(harness.Unapplied("response-header-set"), Is.EqualTo(1), "the other one has no place");
    }

    [TestCase(300, 300)]
    [TestCase(503, 503)]
    [TestCase(200, 403)]
    [TestCase(204, 403)]
    [TestCase(299, 403)]
    public async Task Block_NeverHasAStatusThatTraefikTakesForAnAllow(int asked, int status)
    {
        await using var harness = await StartAsync(new TestAgent("waf", Answer.Block(asked)));

        var answer = await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", Usual);

        Assert.That((answer.Status, answer.Header("X-Sidecar-Status")), Is.EqualTo((status, status == asked ? "" : $"{asked}")));
    }

    [TestCase("/v1/forward-auth")]
    [TestCase("/check")]
    [TestCase("/readyz")]
    [TestCase("/healthz")]
    [TestCase("/")]
    public async Task WithoutTheSecret_NobodyIsAskedWhateverThePath(string path)
    {
        var waf = new TestAgent("waf");
        await using var harness = await StartAsync(waf);
        string[] others = [.. Usual.Where(static line => !line.StartsWith("X-Sidecar-Secret", StringComparison.Ordinal))];
        string[][] attempts =
        [
            others,
            [.. others, "X-Sidecar-Secret: "],
            [.. others, $"X-Sidecar-Secret: {Secret[..^1]}"],
            [.. others, $"X-Sidecar-Secret: {Secret[..^1]}W"],
            [.. others, $"X-Sidecar-Secret: {Secret}x"],
            [.. others, $"X_Sidecar_Secret: {Secret}"],
            [.. Usual, $"X-Sidecar-Secret: {Secret}"],
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
            Assert.That(harness.Daemon.Logs.Entries.Count(static entry => entry.EventId.Id == 3004), Is.EqualTo(1), "once a minute");
            Assert.That(harness.Daemon.Logs.Entries, Has.None.Matches<LogEntry>(static entry => entry.Message.Contains(Secret, StringComparison.Ordinal)));
        }
    }

    [Test]
    public async Task BodyOfAQuestion_IsNotReadAndTheAnswerComes()
    {
        await using var harness = await StartAsync(new TestAgent("waf", Answer.Block(418)));

        var answer = await harness.SendAsync("POST /v1/forward-auth HTTP/1.1", [.. Usual, "Content-Length: 4", "Connection: close", "", "body"]);

        Assert.That(answer.Status, Is.EqualTo(418));
    }

    [TestCase("0123456789abcde", "15 characters")]
    [TestCase("0123456789abcde\n \r\n", "15 characters")]
    [TestCase("", "0 characters")]
    [TestCase("0123456789abcde f", "visible ASCII")]
    [TestCase("0123456789abcdef\u00e4", "visible ASCII")]
    public void SecretFile_ThatCannotBeUsed_SaysWhy(string content, string reason)
    {
        using var directory = new TempDirectory();
        Write(directory.File("secret"), content);

        Assert.That(() => ListenerSecret.Load(directory.File("secret")), Throws.InstanceOf<IOException>().With.Message.Contains(reason).And.Message.Contains(directory.File("secret")));
    }

    [Test]
    public void SecretFile_TooLongMissingOrReadableByOthers_SaysWhatToDo()
    {
        using var directory = new TempDirectory();
        var path = directory.File("secret");
        Assert.That(() => ListenerSecret.Load(path), Throws.InstanceOf<IOException>().With.Message.Contains("there is no secret file").And.Message.Contains("base64 >"));

        Write(path, new string('a', 1024) + "\r\n");
        Assert.That(() => ListenerSecret.Load(path), Throws.Nothing);
        Write(path, new string('a', 1025));
        Assert.That(() => ListenerSecret.Load(path), Throws.InstanceOf<IOException>().With.Message.Contains("more than 1024"));

        Write(path, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.That(() => ListenerSecret.Load(path), Throws.Nothing);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.That(() => ListenerSecret.Load(path), Throws.InstanceOf<IOException>().With.Message.Contains("mode 0404").And.Message.Contains("chmod"));
    }

    private static void Write(string path, string content)
    {
        File.WriteAllText(path, content);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static Task<DoorHarness> StartAsync(TestAgent agent) =>
        DoorHarness.StartAsync(ProxyDialect.Traefik, [agent], HttpHarness.Defaults with { ResponseHeaders = ["Set-Cookie"] }, Secret);
}
