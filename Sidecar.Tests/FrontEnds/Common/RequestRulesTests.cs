using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Common;

namespace Sidecar.Tests.FrontEnds.Common;

/// <summary>What cannot be inspected, whichever proxy passes it on.</summary>
internal sealed class RequestRulesTests
{
    [TestCase("GET", "/", null)]
    [TestCase("M-SEARCH", "*", null)]
    [TestCase("GET", "/a?b=c%20d", null)]
    [TestCase("GET", "/caf\u00e9", null)]
    [TestCase("", "/", "token")]
    [TestCase("GE T", "/", "token")]
    [TestCase("GET\r\n", "/", "token")]
    [TestCase("GET", null, "slash")]
    [TestCase("GET", "", "slash")]
    [TestCase("GET", "x", "slash")]
    [TestCase("GET", "*x", "slash")]
    [TestCase("GET", "http://a/", "slash")]
    [TestCase("GET", "/a b", "space")]
    [TestCase("GET", "/a\0", "control")]
    [TestCase("GET", "/a\u007f", "control")]
    [TestCase("GET", "/a\tb", "control")]
    public void Line(string method, string? target, string? problem) =>
        Assert.That(RequestRules.LineProblem(method, target), problem is null ? Is.Null : Does.Contain(problem));

    [TestCase("GET", "/a?b", "/a?b", null)]
    [TestCase("GET", "/q?http://x@y/", "/q?http://x@y/", null)]
    [TestCase("OPTIONS", "*", "*", null)]
    [TestCase("GET", "", "", null)]
    [TestCase("GET", "http://a.example/b?c", "/b?c", "a.example")]
    [TestCase("GET", "x://u:p@a.example:1//b", "//b", "u:p@a.example:1")]
    [TestCase("GET", "http://a.example", "/", "a.example")]
    [TestCase("OPTIONS", "http://a.example", "*", "a.example")]
    [TestCase("OPTIONS", "http://a.example?b", "/?b", "a.example")]
    [TestCase("GET", "http://a.example?b/c", "/?b/c", "a.example")]
    [TestCase("GET", "http://a.example#b/c", "#b/c", "a.example")]
    [TestCase("CONNECT", "a.example:443", "a.example:443", null)]
    public void OriginForm_TakesSchemeAndAuthorityOff(string method, string target, string rest, string? authority) =>
        Assert.That(RequestRules.OriginForm(method, target), Is.EqualTo((rest, authority)));

    [TestCase(null, "a.example", null)]
    [TestCase("a.example:80", "A.example", null)]
    [TestCase("u@a.example", "a.example", "userinfo")]
    [TestCase("b.example", "a.example", "another host")]
    public void Authority(string? authority, string? host, string? problem) =>
        Assert.That(RequestRules.AuthorityProblem(authority, host), problem is null ? Is.Null : Does.Contain(problem));

    [Test]
    public void Headers_SayTheLimitAndTheValueSeen()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(RequestRules.HeaderProblem(500, 1000, 500, 1000), Is.Null);
            Assert.That(RequestRules.HeaderProblem(501, 1000, 500, 1000), Does.Contain("501").And.Contain("500"));
            Assert.That(RequestRules.HeaderProblem(500, 1001, 500, 1000), Does.Contain("1001").And.Contain("1000"));
        }
    }

    [TestCase("a", "a", true)]
    [TestCase("A.example.", "a.example:8443", true)]
    [TestCase("[::1]:80", "::1", true)]
    [TestCase("a", "b", false)]
    [TestCase(null, "b", true)]
    [TestCase("a", "", true)]
    public void Host(string? one, string? other, bool same) => Assert.That(RequestRules.AreOneHost(one, other), Is.EqualTo(same));
}
