using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AuthRequest;

/// <summary>Header edits of agents on their way into nginx's variables.</summary>
[TestFixture]
internal sealed class HeaderMappingTests
{
    private const string User = "X-Sidecar-Request-X-User";
    private const string Secret = "X-Sidecar-Request-X-Client-Secret";
    private const string Frame = "X-Sidecar-Response-X-Frame-Options";

    [Test]
    public async Task Check_NoEdit_ClientsValuePassesOnlyWhereItMay()
    {
        await using var harness = await HttpHarness.StartAsync(new TestAgent("waf"));

        using var answer = await harness.CheckAsync(("X-User", "admin"), ("X-Client-Secret", "a\u00e4\u00ff"), ("X-Frame-Options", "x"));

        Assert.That(answer.One(User), Is.Empty);
        Assert.That(answer.One(Secret), Is.EqualTo("a\u00e4\u00ff"), "the client's bytes, unchanged");
        Assert.That(answer.One(Frame), Is.Empty);
    }

    [Test]
    public async Task Check_SetAddRemove_AreCarried()
    {
        var response = Answer.Allow
            .WithRequestHeaders(HeaderOperation.Set("X-User", "jürgen"), HeaderOperation.Add("x-client-secret", "more"))
            .WithResponseHeaders(HeaderOperation.Set("x-frame-options", "DENY"));
        await using var harness = await HttpHarness.StartAsync(new TestAgent("auth", response));

        using var answer = await harness.CheckAsync(("X-Client-Secret", "mine"));

        Assert.That(answer.One(User), Is.EqualTo(Encoding.Latin1.GetString("jürgen"u8)));
        Assert.That(answer.One(Secret), Is.EqualTo("mine, more"));
        Assert.That(answer.One(Frame), Is.EqualTo("DENY"));
    }

    [Test]
    public async Task Check_RemovalWithAPlace_AnswersEmpty()
    {
        await using var harness = await HttpHarness.StartAsync(Removes("X-Client-Secret"));

        using var answer = await harness.CheckAsync(("X-Client-Secret", "mine"));

        Assert.That(answer.Code(), Is.EqualTo(200));
        Assert.That(answer.One(Secret), Is.Empty);
    }

    [TestCase(true, 403, "unapplied")]
    [TestCase(false, 200, "")]
    public async Task Check_RemovalWithoutAPlace_RefusesUnlessTheRouteSaysOtherwise(bool refuses, int status, string cause)
    {
        await using var harness = await HttpHarness.StartAsync(HttpHarness.Defaults, [Removes("X-Debug")], refuses);

        using var answer = await harness.CheckAsync(("X-Debug", "1"));

        Assert.That(answer.Code(), Is.EqualTo(status));
        Assert.That(answer.One("X-Sidecar-Cause"), Is.EqualTo(cause));
        Assert.That(harness.Unapplied("request-header-remove"), Is.EqualTo(1));
        Assert.That(harness.Ended("refused", "unapplied"), Is.EqualTo(refuses ? 1 : 0));
    }

    [Test]
    public async Task Check_RemovalOfWhatTheClientDidNotSend_IsDone()
    {
        await using var harness = await HttpHarness.StartAsync(Removes("X-Debug"));

        using var answer = await harness.CheckAsync();

        Assert.That(answer.Code(), Is.EqualTo(200));
        Assert.That(harness.Unapplied("request-header-remove"), Is.Zero);
    }

    [Test]
    public async Task Check_OtherEditsWithoutAPlace_AreCountedAndTheRequestPasses()
    {
        var response = Answer.Allow
            .WithRequestHeaders(HeaderOperation.Set("x-score", "1"))
            .WithResponseHeaders(HeaderOperation.Add("x-seen", "1"), HeaderOperation.Remove("server"), HeaderOperation.Remove("x-frame-options"));
        await using var harness = await HttpHarness.StartAsync(new TestAgent("waf", response));

        using var answer = await harness.CheckAsync();

        Assert.That(answer.Code(), Is.EqualTo(200));
        Assert.That(harness.Unapplied("request-header-set"), Is.EqualTo(1));
        Assert.That(harness.Unapplied("response-header-set"), Is.EqualTo(1));
        Assert.That(harness.Unapplied("response-header-remove"), Is.EqualTo(2));
    }

    [Test]
    public async Task Check_ValuesThatDoNotFitNginxsBuffer_AreRefusedEvenWhereUnappliedIsIgnored()
    {
        var response = Answer.Allow.WithRequestHeaders(HeaderOperation.Add("X-Client-Secret", new string('v', 8000)));
        await using var harness = await HttpHarness.StartAsync(HttpHarness.Defaults, [new TestAgent("waf", response)], refusesUnapplied: false);

        using var answer = await harness.CheckAsync(("X-Client-Secret", new string('c', 8000)));

        Assert.That(answer.Code(), Is.EqualTo(403));
        Assert.That(harness.Unapplied("request-header-size"), Is.EqualTo(1));
        Assert.That(harness.Ended("refused", "unapplied"), Is.EqualTo(1));
    }

    [Test]
    public async Task Check_ControlCharacterInACarriedValue_IsRefusedAsMalformed()
    {
        await using var harness = await HttpHarness.StartAsync(new TestAgent("waf"));

        var answer = await UnixHttp.ExchangeAsync(
            harness.SocketPath,
            "GET /check HTTP/1.1\r\nHost: sidecar\r\nConnection: close\r\nX-Original-Method: GET\r\nX-Original-URI: /\r\nX-Client-Secret: a\u0001b\r\n\r\n");

        Assert.That(answer, Does.StartWith("HTTP/1.1 403").And.Contain("X-Sidecar-Cause: malformed"));
        Assert.That(harness.Ended("refused", "malformed"), Is.EqualTo(1));
    }

    [Test]
    public async Task Check_CookieOfSeveralLines_IsJoinedAsCookies()
    {
        var options = HttpHarness.Defaults with { EditHeaders = ["Cookie"] };
        await using var harness = await HttpHarness.StartAsync(options, [new TestAgent("waf")]);

        var answer = await UnixHttp.ExchangeAsync(
            harness.SocketPath,
            "GET /check HTTP/1.1\r\nHost: sidecar\r\nConnection: close\r\nX-Original-Method: GET\r\nX-Original-URI: /\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n");

        Assert.That(answer, Does.Contain("X-Sidecar-Request-Cookie: a=1; b=2\r\n"));
    }

    [TestCase("X-Original-URI", "tell about the request")]
    [TestCase("Connection", "connection")]
    [TestCase("X-Sidecar-Id", "reserved")]
    [TestCase("a b", "token")]
    [TestCase("X-User", "twice")]
    public void Create_NameThatCannotBeCarried_SaysWhy(string name, string reason)
    {
        var options = HttpHarness.Defaults with { EditHeaders = [name] };

        Assert.That(() => new HeaderMapping(options), Throws.ArgumentException.With.Message.Contains(reason).And.Message.Contains(name));
    }

    [Test]
    public void Create_MoreNamesThanFit_SaysTheLimit()
    {
        var options = HttpHarness.Defaults with { ResponseHeaders = [.. Enumerable.Range(0, 100).Select(static i => $"X-Header-{i}")] };

        Assert.That(() => new HeaderMapping(options), Throws.ArgumentException.With.Message.Contains("2048"));
    }

    private static TestAgent Removes(string name) => new("waf", Answer.Allow.WithRequestHeaders(HeaderOperation.Remove(name)));
}
