using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AuthRequest;

/// <summary>Which path leads where: byte for byte, before anybody resolves it.</summary>
[TestFixture]
internal sealed class HttpPathTests
{
    [TestCase("/check", 400)]
    [TestCase("/check?x=1", 400)]
    [TestCase("/v1/forward-auth", 400)]
    [TestCase("/healthz", 200)]
    [TestCase("/healthz?verbose", 200)]
    [TestCase("/readyz", 200)]
    [TestCase("/", 404)]
    [TestCase("/Check", 404)]
    [TestCase("/check/", 404)]
    [TestCase("//check", 404)]
    [TestCase("/check%2f", 404)]
    [TestCase("/%63heck", 404)]
    [TestCase("/check/../healthz", 404)]
    [TestCase("/healthz/../check", 404)]
    [TestCase("/x/../check", 404)]
    [TestCase("/v1/reply", 404)]
    [TestCase("/v1/reply/", 403)]
    [TestCase("/v1/reply/unknown", 403)]
    [TestCase("/v1/reply/../../healthz", 403)]
    [TestCase("/v1/../healthz", 404)]
    public async Task Request_RawTarget_GoesWhereItsBytesSay(string path, int status)
    {
        await using var harness = await HttpHarness.StartAsync(new TestAgent("waf"));

        using var answer = await harness.Client.SendAsync(UnixHttp.Get(path));

        Assert.That(answer.Code(), Is.EqualTo(status));
    }

    [Test]
    public async Task Reply_TokenExpired_ShowsTheDefaultPageAndCounts()
    {
        await using var harness = await HttpHarness.StartAsync(new TestAgent("waf"));
        var token = harness.Tokens.Issue(new Reply(418, [], default));
        harness.Time.Advance(ReplyTokens.Lifetime + TimeSpan.FromSeconds(1));

        using var answer = await harness.Client.SendAsync(UnixHttp.Get("/v1/reply/" + token));

        Assert.That(answer.Code(), Is.EqualTo(403));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("403 Forbidden"));
        Assert.That(harness.Daemon.Sums.Sum("replies", ("token", "expired")), Is.EqualTo(1));
    }

    [TestCase(204)]
    [TestCase(304)]
    [TestCase(200)]
    public async Task Reply_WithoutBody_IsSentAndTheConnectionLives(int status)
    {
        await using var harness = await HttpHarness.StartAsync(new TestAgent("waf"));
        var path = "/v1/reply/" + harness.Tokens.Issue(new Reply(status, [new("x-a", "1"), new("set-cookie", "a=1"), new("set-cookie", "b=2")], default));

        for (var i = 0; i < 2; i++)
        {
            using var answer = await harness.Client.SendAsync(UnixHttp.Get(path));
            Assert.That(answer.Code(), Is.EqualTo(status));
            Assert.That(answer.Headers.GetValues("set-cookie"), Is.EqualTo(new[] { "a=1", "b=2" }));
            Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.Empty);
        }
    }

    [Test]
    public async Task Readyz_AgentAbsent_Is503AndNamesIt()
    {
        await using var harness = await HttpHarness.StartAsync(new TestAgent("bot"), new TestAgent("waf") { IsUp = false });

        using var ready = await harness.Client.SendAsync(UnixHttp.Get("/readyz"));
        using var alive = await harness.Client.SendAsync(UnixHttp.Get("/healthz"));

        Assert.That(ready.Code(), Is.EqualTo(503));
        Assert.That(await ready.Content.ReadAsStringAsync(), Is.EqualTo("no connection to waf\n"));
        Assert.That(alive.Code(), Is.EqualTo(200));
    }
}
