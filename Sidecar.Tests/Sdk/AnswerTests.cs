using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.Sdk;

public sealed class AnswerTests
{
    [Test]
    public void Block_CarriesWhatWasAdded()
    {
        var answer = Answer.Block(429).WithBody("slow down").WithHeader("retry-after", "1").WithHeader("Retry-After", "2")
            .WithRule("r1").WithRule("r2").WithTag("t").WithReason("c").WithConfidence(0.5f);
        var block = (BlockDecision)answer.Decision;
        Assert.That((block.Status, block.Body), Is.EqualTo(((ushort)429, "slow down")));
        Assert.That(block.Headers!.Values, Is.EqualTo(new[] { "2" }), "one value per name, whatever its case");
        Assert.That(answer.Audit.RuleIds, Is.EqualTo(new[] { "r1", "r2" }));
        Assert.That((answer.Audit.Tags.Single(), answer.Audit.ReasonCodes.Single(), answer.Audit.Confidence), Is.EqualTo(("t", "c", (float?)0.5f)));
    }

    [Test]
    public void Builders_LeaveTheSharedAllowAsItIs()
    {
        var changed = Answer.Allow.WithTag("t").NeedingMore().WithRequestBody(new byte[] { 1 }, 3).WithResponseBody(default, 4);
        Assert.That((changed.NeedsMore, changed.RequestBodyMutation!.ChunkIndex, changed.ResponseBodyMutation!.ChunkIndex), Is.EqualTo((true, 3u, 4u)));
        Assert.That(changed.ResponseBodyMutation.Data!.Value.IsEmpty, Is.True);
        Assert.That(
            (AgentResponse.Allow.Audit.Tags.Count, AgentResponse.Allow.NeedsMore, AgentResponse.Allow.RequestBodyMutation),
            Is.EqualTo((0, false, (BodyMutation?)null)));
    }

    [TestCase(99)]
    [TestCase(600)]
    [TestCase(-1)]
    [TestCase(65_736)]
    public void BlockStatusOutOfRange_IsRefused(int status) =>
        Assert.That(() => Answer.Block(status), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [TestCase(300)]
    [TestCase(304)]
    [TestCase(200)]
    public void RedirectStatusThatIsNone_IsRefused(int status) =>
        Assert.That(() => Answer.Redirect("/", status), Throws.InstanceOf<ArgumentOutOfRangeException>().With.Message.Contains("301, 302, 303, 307 or 308"));

    [Test]
    public void RedirectAndChallenge_CarryTheirParts()
    {
        Assert.That(Answer.Redirect("/login", 303).Decision, Is.EqualTo(new RedirectDecision("/login", 303)));
        Assert.That(() => Answer.Redirect(""), Throws.InstanceOf<ArgumentException>());
        var challenge = (ChallengeDecision)Answer.Challenge("captcha", ("site", "1"), ("site", "2")).Decision;
        Assert.That((challenge.ChallengeType, challenge.Parameters["site"]), Is.EqualTo(("captcha", "2")));
    }

    [Test]
    public void BodyOfAnAllow_IsRefused()
    {
        Assert.That(() => Answer.Allow.WithBody("x"), Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("AllowDecision"));
        Assert.That(() => Answer.Redirect("/").WithHeader("a", "b"), Throws.InstanceOf<InvalidOperationException>());
    }
}
