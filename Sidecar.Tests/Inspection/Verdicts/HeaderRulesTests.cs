using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Inspection.Verdicts;

[TestFixture]
internal sealed class HeaderRulesTests
{
    private const int KiB = 1024;

    private static readonly Arbitrary<string> Texts = Gen.OneOf(
        Gen.Elements("x", "-", "_", "a", "\r", "\n", "\0", "\t", "\x7f", " ", ":", "\u00e9", "\ud83d", "\ude00", "host", "proxy-").ArrayOf().Select(string.Concat),
        ArbMap.Default.GeneratorFor<string>().Select(text => text ?? "")).ToArbitrary();

    [TestCase("x-user")]
    [TestCase("X-User_Id")]
    [TestCase("!#$%&'*+-.^_`|~09azAZ")]
    [TestCase("set-cookie")]
    [TestCase("proxy")]
    [TestCase("x-sidecar")]
    [TestCase("x-sidecars-a")]
    [TestCase("content-type")]
    [TestCase("hostname")]
    public void NameError_OfANameForAgents_IsNull(string name) => Assert.That(HeaderRules.NameError(name), Is.Null);

    [TestCase("", "0 characters")]
    [TestCase(":path", "pseudo")]
    [TestCase("x y", "U+0020 at 1")]
    [TestCase("x:y", "U+003A at 1")]
    [TestCase("x\r\n", "U+000D at 1")]
    [TestCase("x\0", "U+0000 at 1")]
    [TestCase("caf\u00e9", "U+00E9 at 3")]
    [TestCase("Content-Length", "frames")]
    [TestCase("content_length", "frames")]
    [TestCase("Transfer-Encoding", "frames")]
    [TestCase("trailer", "frames")]
    [TestCase("connection", "one connection")]
    [TestCase("Keep_Alive", "one connection")]
    [TestCase("upgrade", "one connection")]
    [TestCase("TE", "one connection")]
    [TestCase("http2-settings", "one connection")]
    [TestCase("expect", "reserved")]
    [TestCase("Host", "reserved")]
    [TestCase("proxy-authorization", "between proxies")]
    [TestCase("Proxy_Connection", "between proxies")]
    [TestCase("x-sidecar-verdict", "sidecar's own")]
    [TestCase("X_Sidecar_", "sidecar's own")]
    public void NameError_OfARefusedName_SaysWhy(string name, string reason) => Assert.That(HeaderRules.NameError(name), Does.Contain(reason));

    [Test]
    public void Name_AtTheLimit_IsTakenAndOneMoreRefused()
    {
        var longest = new string('x', HeaderRules.MaxNameLength);

        Assert.That(HeaderRules.NameError(longest), Is.Null);
        Assert.That(HeaderRules.NameError(longest + "x"), Does.Contain("257 characters; 1 to 256").And.Length.LessThan(200));
    }

    [TestCase("")]
    [TestCase("a\tb c")]
    [TestCase("caf\u00e9 \u6f22 \ud83d\ude00")]
    public void ValueError_OfText_IsNull(string value) => Assert.That(HeaderRules.ValueError("x", value), Is.Null);

    [TestCase("a\rb", "U+000D at 1")]
    [TestCase("\n", "U+000A at 0")]
    [TestCase("ab\0", "U+0000 at 2")]
    [TestCase("\x1b", "U+001B")]
    [TestCase("\x7f", "U+007F")]
    public void ValueError_OfAControlCharacter_NamesIt(string value, string reason) =>
        Assert.That(HeaderRules.ValueError("x-a", value), Does.StartWith("value of 'x-a'").And.Contains(reason));

    // Attributes cannot hold such text.
    [Test]
    public void ValueError_OfHalfASurrogatePair_NamesIt([Values(0xd83d, 0xde00)] int half) =>
        Assert.That(HeaderRules.ValueError("x", "a" + (char)half + "b"), Does.Contain("surrogate pair at 1"));

    [TestCase('a', 8 * KiB)]
    [TestCase('\u00e9', 4 * KiB)]
    public void Value_AtTheLimit_IsTakenAndOneMoreRefused(char letter, int count)
    {
        Assert.That(HeaderRules.ValueError("x", new string(letter, count)), Is.Null);
        Assert.That(HeaderRules.ValueError("x", new string(letter, count + 1)), Does.Contain("at most 8192"));
    }

    [Test]
    public void PlainAllow_IsValid() => Assert.That(HeaderRules.AnswerError(AgentResponse.Allow), Is.Null);

    [Test]
    public void OneBadOperationAmongGood_RefusesTheAnswer()
    {
        AssertRefused(
            new AgentResponse { RequestHeaders = [HeaderOperation.Set("a", "1"), HeaderOperation.Remove("host")] },
            "request_headers[1]: header 'host' is reserved");
        AssertRefused(
            new AgentResponse { ResponseHeaders = [HeaderOperation.Add("set-cookie", "a=b\r\nx: y")] },
            "response_headers[0]: value of 'set-cookie' has the control character U+000D at 3");
        AssertRefused(new AgentResponse { RequestHeaders = [HeaderOperation.Remove("a\nb'")] }, @"'a\u000ab\u0027'");
    }

    [Test]
    public void Operations_AtTheLimit_AreTakenAndOneMoreRefused()
    {
        var most = Enumerable.Repeat(HeaderOperation.Add("a", "1"), HeaderRules.MaxOperations).ToList();

        Assert.That(HeaderRules.AnswerError(new AgentResponse { RequestHeaders = most, ResponseHeaders = most }), Is.Null);
        AssertRefused(new AgentResponse { ResponseHeaders = [.. most, most[0]] }, "response_headers has 101 operations; at most 100");
    }

    [FsCheck.NUnit.Property(MaxTest = 2000, QuietOnSuccess = true)]
    public Property AcceptedText_HasNoLineBreakOrNul() => Prop.ForAll(Texts, text =>
        (HeaderRules.NameError(text) is not null || !text.AsSpan().ContainsAny("\r\n\0: "))
        && (HeaderRules.ValueError("x", text) is not null || !text.AsSpan().ContainsAny("\r\n\0"))
        && !HeaderRules.Echo(text).AsSpan().ContainsAny("\r\n\0"));

    private static void AssertRefused(AgentResponse response, string reason) => Assert.That(HeaderRules.AnswerError(response), Does.Contain(reason));
}
