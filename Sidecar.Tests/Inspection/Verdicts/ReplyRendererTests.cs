using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Inspection.Verdicts;

[TestFixture]
internal sealed class ReplyRendererTests
{
    private const string Html = "text/html; charset=utf-8";

    [Test]
    public void Allow_HasNoReply() => Assert.That(() => ReplyRenderer.Render(Verdict.Allow), Throws.ArgumentException);

    [TestCase((ushort)403, "403 Forbidden")]
    [TestCase((ushort)429, "429 Too Many Requests")]
    [TestCase((ushort)499, "499 Request Refused")]
    [TestCase((ushort)599, "599 Server Error")]
    [TestCase((ushort)200, "200 OK")]
    [TestCase((ushort)299, "299 Success")]
    public void BlockWithoutBody_GetsThePageOfItsStatus(ushort status, string text)
    {
        var reply = Block(new BlockDecision(status));

        Assert.That(reply.Status, Is.EqualTo(status));
        Assert.That(Headers(reply), Is.EqualTo(new[] { "cache-control: no-store", $"content-type: {Html}" }));
        Assert.That(Body(reply), Does.Contain($"<h1>{text}</h1>").And.Not.Contain("idecar"));
    }

    [TestCase("denied", "text/plain; charset=utf-8")]
    [TestCase("", "text/plain; charset=utf-8")]
    [TestCase("  <p>caf\u00e9</p>", Html)]
    public void BlockBody_DecidesTheContentTypeUnlessTheAgentDoes(string body, string contentType)
    {
        var own = new Dictionary<string, string> { ["Content-Type"] = "application/json" };

        Assert.That(Headers(Block(new BlockDecision(Body: body))), Does.Contain($"content-type: {contentType}"));
        Assert.That(Body(Block(new BlockDecision(Body: body))), Is.EqualTo(body));
        Assert.That(Headers(Block(new BlockDecision(Body: body, Headers: own))), Is.EqualTo(new[] { "content-type: application/json", "cache-control: no-store" }));
    }

    [Test]
    public void BlockHeaders_AreKept_ButForCachingAndWhatMayNotBeSent()
    {
        var headers = new Dictionary<string, string>
        {
            ["X-Rule"] = "942100",
            ["Cache-Control"] = "public",
            ["content-length"] = "1",
            ["Transfer-Encoding"] = "chunked",
            ["x-split"] = "a\r\nb: c",
        };

        Assert.That(
            Headers(Block(new BlockDecision(Headers: headers))),
            Is.EqualTo(new[] { "x-rule: 942100", "cache-control: no-store", $"content-type: {Html}" }));
    }

    [TestCase((ushort)204)]
    [TestCase((ushort)304)]
    public void StatusWithoutContent_HasNoBody(ushort status)
    {
        var reply = Block(new BlockDecision(status, "x", new Dictionary<string, string> { ["content-type"] = "a/b" }));

        Assert.That(reply.Body.Length, Is.Zero);
        Assert.That(Headers(reply), Is.EqualTo(new[] { "cache-control: no-store" }));
    }

    [TestCase((ushort)0)]
    [TestCase((ushort)101)]
    [TestCase((ushort)600)]
    public void BlockWithAStatusThatIsNone_IsForbidden(ushort status) => Assert.That(Block(new BlockDecision(status)).Status, Is.EqualTo(403));

    [Test]
    public void BlockWithoutADecision_IsForbidden() =>
        Assert.That(ReplyRenderer.Render(new Verdict { Kind = VerdictKind.Block }).Status, Is.EqualTo(403));

    [Test]
    public void FailedClosed_IsAServerError_UnlessTheRequestIsAtFault([Values] Cause cause)
    {
        var reply = ReplyRenderer.Render(new Verdict { Kind = VerdictKind.FailedClosed, Cause = cause });

        var expected = cause switch
        {
            Cause.Timeout => 504,
            Cause.TooLarge or Cause.Truncated or Cause.BodyUnfinished => 413,
            Cause.Malformed or Cause.NoRoute => 403,
            _ => 503
        };
        Assert.That(reply.Status, Is.EqualTo(expected));
        Assert.That(Headers(reply).Contains("retry-after: 1"), Is.EqualTo(expected >= 500));
        Assert.That(Headers(reply), Does.Contain("cache-control: no-store"));
        Assert.That(Body(reply), Does.StartWith("<!doctype html>"));
    }

    [TestCase("/login?a=b", "/login?a=b")]
    [TestCase("https://h/caf\u00e9 x\t%20", "https://h/caf%C3%A9%20x%09%20")]
    [TestCase("/\ud83d\ude00", "/%F0%9F%98%80")]
    public void Redirect_CarriesTheTargetInAscii(string url, string location)
    {
        var reply = ReplyRenderer.Render(new Verdict { Kind = VerdictKind.Redirect, Decision = new RedirectDecision(url, 307) });

        Assert.That(reply.Status, Is.EqualTo(307));
        Assert.That(Headers(reply), Is.EqualTo(new[] { $"location: {location}", "cache-control: no-store", $"content-type: {Html}" }));
        Assert.That(Body(reply), Does.Contain("307 Temporary Redirect"));
    }

    [Test]
    public void RedirectOrChallengeThatIsNotFitToSend_IsStillARefusal()
    {
        var redirect = new Verdict { Kind = VerdictKind.Redirect, Decision = new RedirectDecision("/\r\nx: y") };
        var challenge = new Verdict { Kind = VerdictKind.Challenge, Decision = new ChallengeDecision("a b", new Dictionary<string, string> { ["www-authenticate"] = "x\r\ny" }) };

        Assert.That(ReplyRenderer.Render(redirect).Status, Is.EqualTo(403));
        Assert.That(ReplyRenderer.Render(challenge).Status, Is.EqualTo(403));
        Assert.That(Headers(ReplyRenderer.Render(redirect)).Concat(Headers(ReplyRenderer.Render(challenge))), Has.None.StartsWith("location").And.None.StartsWith("www-"));
    }

    [TestCase("basic", "realm=x", "Basic realm=\"x\"")]
    [TestCase("BASIC", "", "Basic realm=\"restricted\"")]
    [TestCase("basic", "charset=UTF-8", "Basic charset=\"UTF-8\", realm=\"restricted\"")]
    [TestCase("bearer", "error=a\"b\\c", "Bearer error=\"a\\\"b\\\\c\"")]
    [TestCase("digest", "realm=x&algorithm=SHA-256&stale=true&qop=auth", "Digest realm=\"x\", algorithm=SHA-256, stale=true, qop=\"auth\"")]
    [TestCase("digest", "algorithm=a b", "Digest algorithm=\"a b\"")]
    [TestCase("captcha", "www-authenticate=Bearer realm=\"api\"&token=SECRET", "Bearer realm=\"api\"")]
    [TestCase("basic", "WWW-Authenticate=Negotiate&realm=x", "Negotiate")]
    public void Challenge_IsAWellFormedField(string type, string parameters, string field)
    {
        var reply = Challenge(type, parameters);

        Assert.That(Headers(reply)[0], Is.EqualTo($"www-authenticate: {field}"));
    }

    [TestCase("js", "", 403, "403 Forbidden")]
    [TestCase("js", "status=401", 403, "403 Forbidden")]
    [TestCase("js", "status=403", 403, "403 Forbidden")]
    [TestCase("js", "status=429&body=wait", 429, "wait")]
    [TestCase("js", "Body=<p>solve</p>", 403, "<p>solve</p>")]
    [TestCase("js", "BODY=lowest&body=other", 403, "lowest")]
    [TestCase("basic", "", 401, "401 Unauthorized")]
    [TestCase("bearer", "status=403", 403, "403 Forbidden")]
    [TestCase("js", "www-authenticate=Negotiate", 401, "401 Unauthorized")]
    public void Challenge_HasTheStatusAndBodyOfItsParameters(string type, string parameters, int status, string body)
    {
        var reply = Challenge(type, parameters);

        Assert.That(reply.Status, Is.EqualTo(status));
        Assert.That(Body(reply), Does.Contain(body));
    }

    // Published agents put tokens and addresses of their own there (spec §5.8).
    [Test]
    public void ChallengeParametersThatAreTheAgentsOwn_AreNeverShownToTheClient()
    {
        var reply = Challenge("captcha", "token=SECRET&challenge_url=/verify&body=<p>solve</p>&content-type=text/x-page&site-key=k");

        Assert.That(Headers(reply), Is.EqualTo(new[] { "content-type: text/x-page", "cache-control: no-store" }));
        Assert.That(Headers(Challenge("captcha", "content-type=text/x-page")), Is.EqualTo(new[] { "cache-control: no-store", $"content-type: {Html}" }), "without a body the page is ours");
    }

    [TestCase(199)]
    [TestCase(600)]
    public void DefaultPage_OfNoFinalStatus_IsRefused(int status) =>
        Assert.That(() => DefaultPage.For(status), Throws.InstanceOf<ArgumentOutOfRangeException>());

    private static Reply Block(BlockDecision decision) => ReplyRenderer.Render(new Verdict { Kind = VerdictKind.Block, Decision = decision });

    private static Reply Challenge(string type, string parameters)
    {
        var pairs = parameters.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => pair[1]);
        return ReplyRenderer.Render(new Verdict { Kind = VerdictKind.Challenge, Decision = new ChallengeDecision(type, pairs) });
    }

    private static string[] Headers(Reply reply) => [.. reply.Headers.Select(header => $"{header.Key}: {header.Value}")];

    private static string Body(Reply reply) => Encoding.UTF8.GetString(reply.Body.Span);
}
