using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Tests.Agents;

/// <summary>What becomes of what an agent could not inspect: the words of an operator, and what follows from them.</summary>
public sealed class FailureRulesTests
{
    // Letters: o open, c closed; first the request's, then the response's.
    [TestCase("closed", "overload", "cc")]
    [TestCase("open", "overload", "oo")]
    [TestCase("closed+overload:open", "overload", "oo")]
    [TestCase("closed+overload:open", "timeout", "cc")]
    [TestCase("overload:open", "timeout", "cc")]
    [TestCase("open+agent-absent:closed", "agent-absent", "cc")]
    [TestCase("open+agent-absent:closed", "agent-crash", "oo")]
    [TestCase("closed+response:open", "timeout", "co")]
    [TestCase("open+request:closed", "timeout", "co")]
    [TestCase("closed+response:open+timeout:closed", "timeout", "cc")]
    [TestCase("response:open+timeout:closed+default:closed", "bad-answer", "co")]
    [TestCase("open+request:closed+shutting-down:open", "shutting-down", "oo")]
    public void CauseGoesBeforePhase_AndPhaseBeforeTheDefault(string written, string cause, string expected) =>
        Assert.That(Outcome(Read(written), cause), Is.EqualTo(expected));

    [TestCase("closed", "open", "timeout", "cc")]
    [TestCase("closed", "open+overload:open", "overload", "cc")]
    [TestCase("overload:closed", "open", "overload", "cc")]
    [TestCase("overload:closed", "open", "timeout", "oo")]
    [TestCase("response:closed", "open+overload:open", "timeout", "oc")]
    [TestCase("response:closed", "open+overload:open", "overload", "oc")]
    [TestCase("overload:closed", "overload:open+response:open", "overload", "cc")]
    [TestCase("request:open", "overload:closed", "overload", "oc")]
    [TestCase("default:open", "closed+timeout:closed", "timeout", "oo")]
    public void WordsOfARoute_GoBeforeTheAgents_AndItsDefaultReplacesThemAll(string route, string agent, string cause, string expected) =>
        Assert.That(Outcome(Read(route).Over(Read(agent)), cause), Is.EqualTo(expected));

    [Test]
    public void CausesThatNobodyCanWrite_FollowTheDefault() =>
        Assert.That((Of(Read("open"), Cause.Internal), Of(Read("closed+overload:open"), Cause.Internal)), Is.EqualTo((FailureMode.Open, FailureMode.Closed)));

    [Test]
    public void OfTwo_OnlyWhatBothLetPassDoes()
    {
        var both = new FailureRules(Read("open+timeout:closed")).And(new FailureRules(Read("closed+timeout:open+overload:open")));
        Assert.That(
            (both.Of(Cause.Timeout, false), both.Of(Cause.Overload, true), both.Of(Cause.AgentCrash, false)),
            Is.EqualTo((FailureMode.Closed, FailureMode.Open, FailureMode.Closed)));
    }

    [TestCase("default:closed+response:open+overload:open")]
    [TestCase("open")]
    [TestCase("timeout:closed")]
    public void Text_IsReadAsTheSame(string text)
    {
        Assert.That(Read(text).ToString(), Is.EqualTo(text));
        Assert.That(Read(Read(text).ToString()), Is.EqualTo(Read(text)));
    }

    [Test]
    public void OrderOfWords_MakesNoDifference()
    {
        Assert.That(Read("overload:open+closed"), Is.EqualTo(Read("closed+overload:open")));
        Assert.That(Read("overload:open+closed").GetHashCode(), Is.EqualTo(Read("closed+overload:open").GetHashCode()));
        Assert.That(Read("overload:open+closed"), Is.Not.EqualTo(Read("closed+overload:closed")));
    }

    [TestCase("ajar", "ajar is none of closed, open")]
    [TestCase("overlod:open", "overlod is neither default nor a phase nor a cause; did you mean overload?")]
    [TestCase("closed+overload:ajar", "ajar is none of closed, open")]
    [TestCase("sometimes:open", "sometimes is neither default nor a phase nor a cause; they are request, response, agent-absent,")]
    [TestCase("closed+open", "default is said twice")]
    [TestCase("timeout:open+timeout:closed", "timeout is said twice")]
    public void WrongWord_IsNamed(string text, string expected)
    {
        var errors = new List<string>();
        Assert.That(FailureOptions.TryRead(text.Split('+'), errors.Add, out _), Is.False);
        Assert.That(errors, Has.Some.Contains(expected));
    }

    private static FailureOptions Read(string text) =>
        FailureOptions.TryRead(text.Split('+'), static error => Assert.Fail(error), out var value) ? value : throw new InvalidOperationException(text);

    private static string Outcome(FailureOptions options, string cause)
    {
        var (rules, of) = (new FailureRules(options), Enum.GetValues<Cause>().Single(one => one.Label() == cause));
        return string.Concat(new[] { false, true }.Select(isResponse => rules.Of(of, isResponse) == FailureMode.Open ? 'o' : 'c'));
    }

    private static FailureMode Of(FailureOptions options, Cause cause) => new FailureRules(options).Of(cause, isResponse: false);
}
