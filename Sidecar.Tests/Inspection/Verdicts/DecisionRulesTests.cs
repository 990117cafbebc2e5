using NUnit.Framework;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Inspection.Verdicts;

[TestFixture]
internal sealed class DecisionRulesTests
{
    private static readonly BlockDecision Forbidden = new(403);

    [TestCase("/")]
    [TestCase("/login?to=%2F")]
    [TestCase("//other.example/x")]
    [TestCase("https://example.org")]
    [TestCase("HTTP://[::1]:8080/")]
    [TestCase("https://example.org/caf\u00e9 x")]
    [TestCase("login")]
    [TestCase("?x=a:b")]
    [TestCase("a/b:c")]
    [TestCase("#here")]
    public void RedirectOnTheWeb_IsKept(string url) => AssertKept(new RedirectDecision(url, 307));

    [TestCase("", "no http://")]
    [TestCase(" ", "no http://")]
    [TestCase("javascript:alert(1)", "no http://")]
    [TestCase("data:text/html,x", "no http://")]
    [TestCase("ftp://h/", "no http://")]
    [TestCase("http:/h", "no http://")]
    [TestCase("https://", "no http://")]
    [TestCase("https:///x", "no http://")]
    [TestCase("/x\r\nset-cookie: a=b", "U+000D at 2")]
    [TestCase("/\0", "U+0000")]
    public void RedirectElsewhere_IsStillARefusal(string url, string reason) => AssertRepaired(new RedirectDecision(url), Forbidden, reason);

    [Test]
    public void RedirectUrl_AtTheLimit_IsKeptAndOneMoreIsARefusal()
    {
        var longest = "/" + new string('x', HeaderRules.MaxValueBytes - 1);

        AssertKept(new RedirectDecision(longest));
        AssertRepaired(new RedirectDecision(longest + "x"), Forbidden, "8193 bytes; at most 8192");
    }

    [Test]
    public void RedirectStatus_IsOneOfFive_AndElseFound()
    {
        for (var status = 0; status <= ushort.MaxValue; status++)
        {
            var said = new RedirectDecision("/l", (ushort)status);
            var fit = DecisionRules.Fit(said, out var repaired);

            var isOne = status is 301 or 302 or 303 or 307 or 308;
            Assert.That(fit, Is.EqualTo(isOne ? said : new RedirectDecision("/l", 302)));
            Assert.That(repaired is null, Is.EqualTo(isOne));
        }

        Assert.That(DecisionRules.Fit(new RedirectDecision(" /x ", 302), out _), Is.EqualTo(new RedirectDecision("/x", 302)));
    }

    [Test]
    public void BlockStatus_IsAFinalOne_AndElseForbidden()
    {
        for (var status = 0; status <= ushort.MaxValue; status++)
        {
            var fit = (BlockDecision)DecisionRules.Fit(new BlockDecision((ushort)status), out var repaired);

            var isFinal = status is >= 200 and <= 599;
            Assert.That(fit.Status, Is.EqualTo(isFinal ? status : 403));
            Assert.That(repaired is null, Is.EqualTo(isFinal));
        }
    }

    [TestCase("Content-Length", "0", "block: header 'Content-Length' is reserved")]
    [TestCase("x", "a\nb", "block: value of 'x' has the control character U+000A")]
    [TestCase("a b", "c", "has the character U+0020 at 1")]
    public void BlockHeaderThatCannotBeSent_IsLeftOutAlone(string name, string value, string reason)
    {
        var block = new BlockDecision(451, "no", new Dictionary<string, string> { ["x-reason"] = "waf", [name] = value });

        var fit = (BlockDecision)DecisionRules.Fit(block, out var repaired);

        Assert.That((fit.Status, fit.Body), Is.EqualTo(((ushort)451, "no")));
        Assert.That(fit.Headers, Is.EqualTo(new Dictionary<string, string> { ["x-reason"] = "waf" }));
        Assert.That(repaired, Does.Contain(reason).And.Contain("left out"));
        AssertKept(new BlockDecision(451, "no", fit.Headers));
    }

    [Test]
    public void BlockWithTooMuch_KeepsWhatMayBeSent()
    {
        var headers = Enumerable.Range(0, 101).ToDictionary(i => $"x-{i}", i => "v");

        var fit = (BlockDecision)DecisionRules.Fit(new BlockDecision(Headers: headers), out var repaired);

        Assert.That(fit.Headers, Has.Count.EqualTo(100));
        Assert.That(repaired, Does.Contain("101 headers; at most 100"));
        AssertKept(new BlockDecision(Body: new string('x', DecisionRules.MaxBodyBytes)));
        AssertRepaired(new BlockDecision(429, new string('x', DecisionRules.MaxBodyBytes + 1)), new BlockDecision(429), "1048577 bytes; at most 1048576");
    }

    [TestCase("basic", "realm", "a \"b\"")]
    [TestCase("captcha", "body", "<p>\r\nx</p>")]
    [TestCase("js", "status", "429")]
    [TestCase("js challenge", "token", "a\r\nb")]
    [TestCase("", "a", "b")]
    public void ChallengeThatCanBeSent_IsKept(string type, string name, string value) =>
        AssertKept(new ChallengeDecision(type, new Dictionary<string, string> { [name] = value }));

    [TestCase("js", "status", "200", "challenge status '200'")]
    [TestCase("js", "status", "+401", "challenge status '+401'")]
    [TestCase("js", "status", "", "challenge status ''")]
    [TestCase("js", "Content-Type", "a\nb", "value of 'Content-Type'")]
    [TestCase("captcha", "www-authenticate", "Bearer\r\nx: y", "value of 'www-authenticate'")]
    [TestCase("basic", "re alm", "b", "parameter name 're alm'")]
    [TestCase("basic", "realm", "a\r\nb", "value of 'realm'")]
    public void ChallengeParameterThatCannotBeSent_IsLeftOutAlone(string type, string name, string value, string reason)
    {
        var said = new ChallengeDecision(type, new Dictionary<string, string> { ["body"] = "page", [name] = value });

        var fit = (ChallengeDecision)DecisionRules.Fit(said, out var repaired);

        Assert.That(fit.Parameters, Is.EqualTo(new Dictionary<string, string> { ["body"] = "page" }));
        Assert.That(repaired, Does.Contain(reason).And.Contain("left out"));
    }

    [Test]
    public void ChallengeWithTooMuch_IsStillAChallenge()
    {
        var parameters = Enumerable.Range(0, 3).ToDictionary(i => $"p{i}", i => new string('x', 3000));

        var fit = DecisionRules.Fit(new ChallengeDecision("bearer", parameters), out var repaired);

        Assert.That(fit, Is.TypeOf<ChallengeDecision>());
        Assert.That(((ChallengeDecision)fit).Parameters, Is.Empty);
        Assert.That(repaired, Does.Contain("at most 8192"));
        AssertKept(new ChallengeDecision("js", parameters));
    }

    [Test]
    public void RepairsOfOneAnswer_MakeNoLineOfAnyLength()
    {
        var headers = Enumerable.Range(0, 2000).ToDictionary(i => $"bad {i}", i => "v");

        DecisionRules.Fit(new BlockDecision(Headers: headers), out var repaired);

        Assert.That(repaired, Has.Length.LessThan(1000));
    }

    [Test]
    public void Allow_IsLeftAlone() => AssertKept(Decision.Allow);

    [TestCase((ushort)1000, "", true)]
    [TestCase((ushort)1008, "policy", true)]
    [TestCase((ushort)4999, "", true)]
    [TestCase((ushort)0, "", false)]
    [TestCase((ushort)999, "", false)]
    [TestCase((ushort)1005, "", false)]
    [TestCase((ushort)1006, "", false)]
    [TestCase((ushort)1015, "", false)]
    [TestCase((ushort)2999, "", false)]
    [TestCase((ushort)5000, "", false)]
    public void WebSocketClose_IsAlwaysACloseThatCanBeSent(ushort code, string reason, bool isKept)
    {
        var said = WebSocketDecision.Close(code, reason);
        var fit = DecisionRules.Fit(said, out var repaired);

        Assert.That(fit, Is.EqualTo(isKept ? said : WebSocketDecision.Close(1008, reason)));
        Assert.That(repaired is null, Is.EqualTo(isKept));
    }

    [Test]
    public void WebSocketCloseReason_AtTheLimit_IsKeptAndOneMoreLeftOut()
    {
        var longest = new string('x', DecisionRules.MaxCloseReasonBytes);

        Assert.That(DecisionRules.Fit(WebSocketDecision.Close(1000, longest), out var none), Is.EqualTo(WebSocketDecision.Close(1000, longest)));
        Assert.That(DecisionRules.Fit(WebSocketDecision.Close(1000, longest + "x"), out var repaired), Is.EqualTo(WebSocketDecision.Close(1000, "")));
        Assert.That(none, Is.Null);
        Assert.That(repaired, Does.Contain("124 bytes; at most 123"));
        Assert.That(DecisionRules.Fit(WebSocketDecision.Drop, out _), Is.SameAs(WebSocketDecision.Drop));
    }

    private static void AssertKept(Decision said)
    {
        Assert.That(DecisionRules.Fit(said, out var repaired), Is.SameAs(said));
        Assert.That(repaired, Is.Null);
    }

    private static void AssertRepaired(Decision said, Decision fit, string reason)
    {
        Assert.That(DecisionRules.Fit(said, out var repaired), Is.EqualTo(fit));
        Assert.That(repaired, Does.Contain(reason));
    }
}
