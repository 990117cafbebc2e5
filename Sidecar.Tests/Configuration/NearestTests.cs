using NUnit.Framework;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Tests.Configuration;

/// <summary>What somebody probably meant is found, and what only looks a little alike is not.</summary>
internal sealed class NearestTests
{
    [TestCase("timout", "timeout")]
    [TestCase("tiemout", "timeout", Description = "two letters that changed places are one slip")]
    [TestCase("failure-mode", "failure_mode")]
    [TestCase("Queue", "queue")]
    [TestCase("failuremode", "failure_mode")]
    [TestCase("wef", "waf")]
    [TestCase("bat", null, Description = "more than a third of it would be wrong")]
    [TestCase("xy", null)]
    [TestCase("connexions_of_all_the_agents_and_more", null)]
    [TestCase("", null)]
    public void Word_AtMostTwoSlipsAway_IsMeant(string written, string? expected) =>
        Assert.That(Nearest.Of(written, ["timeout", "failure_mode", "queue", "waf", "by"]), Is.EqualTo(expected));

    [Test]
    public void NearestOfSeveral_IsTaken() => Assert.That(Nearest.Hint("poll", ["pools", "pool", "poul"]), Is.EqualTo("; did you mean pool?"));
}
