using NUnit.Framework;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Inspection;

[TestFixture]
internal sealed class DecisionRulesTests
{
    private static readonly Dictionary<string, string> None = [];

    [TestCase("/")]
    [TestCase("/login?to=%2F")]
    [TestCase("//other.example/x")]
    [TestCase("https://example.org")]
    [TestCase("HTTP://[::1]:8080/")]
    [TestCase("https://example.org/caf\u00e9 x")]
    public void RedirectToTheWeb_IsTaken(string url) => Assert.That(Error(new RedirectDecision(url)), Is.Null);

    [TestCase("", "begins neither")]
    [TestCase("login", "begins neither")]
    [TestCase("?x", "begins neither")]
    [TestCase(" /x", "begins neither")]
    [TestCase("javascript:alert(1)", "begins neither")]
    [TestCase("data:text/html,x", "begins neither")]
    [TestCase("ftp://h/", "begins neither")]
    [TestCase("http:/h", "begins neither")]
    [TestCase("https://", "begins neither")]
    [TestCase("https:///x", "begins neither")]
    [TestCase("/x\r\nset-cookie: a=b", "U+000D at 2")]
    [TestCase("/\0", "U+0000")]
    public void RedirectElsewhere_IsRefused(string url, string reason) => Assert.That(Error(new RedirectDecision(url)), Does.Contain(reason));

    [Test]
    public void RedirectUrl_AtTheLimit_IsTakenAndOneMoreRefused()
    {
        var longest = "/" + new string('x', HeaderRules.MaxValueBytes - 1);

        Assert.That(Error(new RedirectDecision(longest)), Is.Null);
        Assert.That(Error(new RedirectDecision(longest + "x")), Does.Contain("8193 bytes; at most 8192"));
    }

    [Test]
    public void RedirectStatus_IsOneOfFive()
    {
        var taken = Enumerable.Range(0, 700).Where(status => Error(new RedirectDecision("/", (ushort)status)) is null);

        Assert.That(taken, Is.EqualTo(new[] { 301, 302, 303, 307, 308 }));
    }

    [Test]
    public void BlockStatus_IsAFinalOne()
    {
        var taken = Enumerable.Range(0, ushort.MaxValue + 1).Where(status => Error(new BlockDecision((ushort)status)) is null);

        Assert.That(taken, Is.EqualTo(Enumerable.Range(200, 400)));
    }

    [TestCase("x-reason", "waf", null)]
    [TestCase("Content-Length", "0", "block: header 'Content-Length' is reserved")]
    [TestCase("x", "a\nb", "block: value of 'x' has the control character U+000A")]
    public void BlockHeader_IsCheckedLikeAnyOther(string name, string value, string? reason) =>
        Assert.That(Error(new BlockDecision(Headers: new Dictionary<string, string> { [name] = value })), reason is null ? Is.Null : Does.Contain(reason));

    [Test]
    public void BlockWithTooMuch_IsRefused()
    {
        var headers = Enumerable.Range(0, 101).ToDictionary(i => $"x-{i}", i => "v");

        Assert.That(Error(new BlockDecision(Headers: headers)), Does.Contain("101 headers; at most 100"));
        Assert.That(Error(new BlockDecision(Body: new string('x', DecisionRules.MaxBodyBytes))), Is.Null);
        Assert.That(Error(new BlockDecision(Body: new string('x', DecisionRules.MaxBodyBytes + 1))), Does.Contain("1048577 bytes; at most 1048576"));
    }

    [TestCase("basic", "realm", "a \"b\"", null)]
    [TestCase("captcha", "body", "<p>\r\nx</p>", null)]
    [TestCase("js", "status", "429", null)]
    [TestCase("js", "status", "200", "challenge status '200'")]
    [TestCase("js", "status", "+401", "challenge status '+401'")]
    [TestCase("js", "status", "", "challenge status ''")]
    [TestCase("", "a", "b", "challenge type ''")]
    [TestCase("ba sic", "a", "b", "challenge type 'ba sic'")]
    [TestCase("basic\r\nx:", "a", "b", "challenge type")]
    [TestCase("basic", "re alm", "b", "parameter name 're alm'")]
    [TestCase("basic", "realm", "a\r\nb", "value of 'realm'")]
    public void Challenge_IsCheckedBeforeItBecomesAHeader(string type, string name, string value, string? reason) =>
        Assert.That(Error(new ChallengeDecision(type, new Dictionary<string, string> { [name] = value })), reason is null ? Is.Null : Does.Contain(reason));

    [Test]
    public void ChallengeWithTooMuch_IsRefused()
    {
        var parameters = Enumerable.Range(0, 3).ToDictionary(i => $"p{i}", i => new string('x', 3000));

        Assert.That(Error(new ChallengeDecision("js", parameters)), Does.Contain("9008 bytes; at most 8192"));
        Assert.That(Error(new ChallengeDecision("js", None)), Is.Null);
    }

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
    public void WebSocketClose_HasACodeThatCanBeSent(ushort code, string reason, bool isTaken) =>
        Assert.That(HeaderRules.AnswerError(new AgentResponse { WebSocketDecision = WebSocketDecision.Close(code, reason) }) is null, Is.EqualTo(isTaken));

    [Test]
    public void WebSocketCloseReason_AtTheLimit_IsTakenAndOneMoreRefused()
    {
        var longest = new string('x', DecisionRules.MaxCloseReasonBytes);

        Assert.That(DecisionRules.Error(WebSocketDecision.Close(1000, longest)), Is.Null);
        Assert.That(DecisionRules.Error(WebSocketDecision.Close(1000, longest + "x")), Does.Contain("124 bytes; at most 123"));
        Assert.That(DecisionRules.Error(WebSocketDecision.Drop), Is.Null);
    }

    private static string? Error(Decision decision) => HeaderRules.AnswerError(new AgentResponse { Decision = decision });
}
