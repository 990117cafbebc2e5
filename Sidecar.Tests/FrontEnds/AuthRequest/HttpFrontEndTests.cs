using System.Text;
using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AuthRequest;

/// <summary>The whole front end behind a real listener on a Unix socket, with real agents behind it.</summary>
[TestFixture]
internal sealed class HttpFrontEndTests
{
    private static readonly string[] Always =
    [
        "X-Sidecar-Id", "X-Sidecar-Action", "X-Sidecar-Reply", "X-Sidecar-Audit", "X-Sidecar-Cause",
        "X-Sidecar-Request-X-User", "X-Sidecar-Request-X-Client-Secret", "X-Sidecar-Response-X-Frame-Options",
    ];

    [Test]
    public async Task Check_AgentAllows_Is200AndTheAgentSawTheClientsRequest()
    {
        var waf = new TestAgent("waf");
        await using var harness = await HttpHarness.StartAsync(waf);

        using var answer = await harness.CheckAsync(
            ("X-Original-Method", "PUT"),
            ("X-Original-URI", "/a/../b?c=%2e"),
            ("X-Sidecar-Protocol", "HTTP/2.0"),
            ("X-Sidecar-Client-Port", "4711"),
            ("X-Sidecar-Tls-Version", "TLSv1.3"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            ("X-Latin", "\u00e4"));

        await AssertEmptyAsync(answer, 200, "allow");
        var seen = waf.Last!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((seen.Method, seen.Uri), Is.EqualTo(("PUT", "/a/../b?c=%2e")));
            Assert.That(seen.Metadata.ClientIp, Is.EqualTo("192.0.2.7"));
            Assert.That(seen.Metadata.ClientPort, Is.EqualTo(4711));
            Assert.That(seen.Metadata.RequestId, Is.EqualTo("r1"));
            Assert.That(seen.Metadata.ServerName, Is.EqualTo("shop.example"));
            Assert.That(seen.Metadata.Protocol, Is.EqualTo("HTTP/2"));
            Assert.That(seen.Metadata.TlsVersion, Is.EqualTo("TLSv1.3"));
            Assert.That(seen.Metadata.RouteId, Is.EqualTo("all"));
            Assert.That(seen.Metadata.Traceparent, Does.StartWith("00-4bf92f"));
            Assert.That(seen.Headers.Get("host"), Is.EqualTo("shop.example"));
            Assert.That(seen.Headers.Get("x-latin"), Is.EqualTo("ä"));
            Assert.That(seen.Headers.Get("x-original-uri"), Is.Null);
            Assert.That(seen.CorrelationId.ToString(), Is.EqualTo(answer.One("X-Sidecar-Id")));
            Assert.That(harness.Ended("inspected", "none"), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Check_AgentBlocks_ReplyIsFetchedWithItsToken()
    {
        var response = Answer.Block(418).WithBody("short ☕").WithHeader("X-Pot", "tea ä").WithRule("942100");
        await using var harness = await HttpHarness.StartAsync(new TestAgent("waf", response));

        using var answer = await harness.CheckAsync(("X-User", "admin"), ("X-Client-Secret", "s"));
        using var reply = await harness.ReplyAsync(answer);

        await AssertEmptyAsync(answer, 403, "block");
        Assert.That(answer.One("X-Sidecar-Audit"), Does.Contain("942100"));
        Assert.That(answer.One("X-Sidecar-Request-X-Client-Secret"), Is.Empty);
        Assert.That(reply.Code(), Is.EqualTo(418));
        Assert.That(await reply.Content.ReadAsStringAsync(), Is.EqualTo("short ☕"));
        Assert.That(reply.One("x-pot"), Is.EqualTo(Encoding.Latin1.GetString("tea ä"u8)));
        Assert.That(reply.One("Content-Length"), Is.EqualTo("9"));
        Assert.That(harness.Daemon.Sums.Sum("replies", ("token", "valid")), Is.EqualTo(1));
    }

    [TestCase("redirect", 307)]
    [TestCase("challenge", 401)]
    public async Task Check_AgentRedirectsOrChallenges_Is403AndTheReplySaysIt(string action, int status)
    {
        var response = action == "redirect" ? Answer.Redirect("https://login.example/", 307) : Answer.Challenge("basic", ("realm", "shop"));
        await using var harness = await HttpHarness.StartAsync(new TestAgent("auth", response));

        using var answer = await harness.CheckAsync();
        using var reply = await harness.ReplyAsync(answer);

        await AssertEmptyAsync(answer, 403, action);
        Assert.That(reply.Code(), Is.EqualTo(status));
        Assert.That(reply.Headers.ToString(), Does.Contain(action == "redirect" ? "https://login.example/" : "Basic realm=\"shop\""));
    }

    [Test]
    public async Task Check_AgentAbsent_FailsClosedWithACause()
    {
        await using var harness = await HttpHarness.StartAsync(new TestAgent("waf") { IsUp = false });

        using var answer = await harness.CheckAsync();
        using var reply = await harness.ReplyAsync(answer);

        await AssertEmptyAsync(answer, 403, "failed-closed");
        Assert.That(answer.One("X-Sidecar-Cause"), Is.EqualTo("agent-absent"));
        Assert.That(reply.Code(), Is.EqualTo(503));
        Assert.That(harness.Ended("refused", "agent-absent"), Is.EqualTo(1));
    }

    [Test]
    public async Task Check_ReplyTooLongForAToken_ShowsTheDefaultPageOfItsStatus()
    {
        var noise = new Random(1);
        var body = string.Concat(Enumerable.Range(0, 30_000).Select(_ => (char)noise.Next(' ', '~')));
        await using var harness = await HttpHarness.StartAsync(new TestAgent("waf", Answer.Block(451).WithBody(body)));

        using var answer = await harness.CheckAsync();
        using var reply = await harness.ReplyAsync(answer);

        await AssertEmptyAsync(answer, 403, "block");
        Assert.That(reply.Code(), Is.EqualTo(451));
        Assert.That(await reply.Content.ReadAsStringAsync(), Does.Contain("451 Unavailable"));
        Assert.That(harness.Unapplied("reply-body"), Is.EqualTo(1));
        Assert.That(harness.Daemon.Logs.Collector.GetSnapshot(), Has.Some.Matches<FakeLogRecord>(static entry => entry.Id.Id == 3002));
    }

    [Test]
    public async Task Check_MissingUri_Is400AndTheLedgerHasIt()
    {
        var waf = new TestAgent("waf");
        await using var harness = await HttpHarness.StartAsync(waf);

        using var answer = await harness.CheckAsync(("X-Original-URI", ""));

        await AssertEmptyAsync(answer, 400, "failed-closed");
        Assert.That(harness.Ended("refused", "malformed"), Is.EqualTo(1));
        Assert.That(harness.Daemon.Sums.Sum("exchanges", ("route", "none")), Is.EqualTo(1), "nobody knows what it asked for");
        Assert.That(harness.Daemon.Sums.Of("agent.exchanges"), Is.Empty);
        Assert.That(waf.Asked, Is.Zero);
    }

    [Test]
    public async Task Check_MoreHeadersThanInspected_Is403AndTheLedgerHasIt()
    {
        var waf = new TestAgent("waf");
        await using var harness = await HttpHarness.StartAsync(waf);

        using var answer = await harness.CheckAsync([.. Enumerable.Range(0, 600).Select(static i => ($"n{i}", "v"))]);
        using var reply = await harness.ReplyAsync(answer);

        await AssertEmptyAsync(answer, 403, "failed-closed");
        Assert.That(answer.One("X-Sidecar-Cause"), Is.EqualTo("malformed"));
        Assert.That(reply.Code(), Is.EqualTo(403));
        Assert.That(harness.Ended("refused", "malformed"), Is.EqualTo(1));
        Assert.That(waf.Asked, Is.Zero);
    }

    [Test]
    public async Task Check_AsManyHeadersAsNginxCanPass_IsAnsweredByUsNotByTheServer()
    {
        await using var harness = await HttpHarness.StartAsync(new TestAgent("waf"));
        var headers = string.Concat(Enumerable.Repeat("a:\r\n", 8192));

        var answer = await UnixHttp.ExchangeAsync(
            harness.SocketPath,
            $"GET /check HTTP/1.1\r\nHost: sidecar\r\nConnection: close\r\nX-Original-Method: GET\r\nX-Original-URI: /\r\n{headers}\r\n");

        Assert.That(answer, Does.StartWith("HTTP/1.1 403"));
        Assert.That(harness.Ended("refused", "malformed"), Is.EqualTo(1));
    }

    [Test]
    public async Task Check_ClientGoesAway_IsAbandonedAndTheCallCancelled()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var harness = await HttpHarness.StartAsync(new TestAgent("waf", async (_, cancellation) =>
        {
            await using var registration = cancellation.Register(cancelled.SetResult);
            asked.SetResult();
            await cancelled.Task;
            return AgentResponse.Allow;
        }));
        using var leaving = new CancellationTokenSource();
        using var request = UnixHttp.Get("/check");
        request.Headers.Add("X-Original-Method", "GET");
        request.Headers.Add("X-Original-URI", "/");

        var pending = harness.Client.SendAsync(request, leaving.Token);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(30), CancellationToken.None);
        await leaving.CancelAsync();

        Assert.That(async () => await pending, Throws.InstanceOf<OperationCanceledException>());
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30), CancellationToken.None);
        await Eventually.TrueAsync(() => harness.Ended("abandoned", "client-gone") == 1, TimeSpan.FromSeconds(30), "the exchange to be accounted");
    }

    private static async Task AssertEmptyAsync(HttpResponseMessage answer, int status, string action)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Code(), Is.EqualTo(status));
            Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.Empty);
            Assert.That(answer.One("Content-Length"), Is.EqualTo("0"));
            Assert.That(answer.Headers.Contains("Server"), Is.False);
            Assert.That(Always.Select(answer.One), Has.Exactly(Always.Length).Items);
            Assert.That(answer.One("X-Sidecar-Action"), Is.EqualTo(action));
            Assert.That(answer.One("X-Sidecar-Reply"), action == "allow" ? Is.Empty : Is.Not.Empty);
        }
    }
}
