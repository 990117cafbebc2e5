using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Tests.Configuration;

/// <summary>The bounds of connections and what a process may have open.</summary>
public sealed class DescriptorPlanTests
{
    [Test]
    public void BoundsThatFit_AreTheUsualOnes()
    {
        var plan = Fit(65_536, 256, "http=/h,proxy=nginx", "spop=/s", "admin=/a", "reverse=/r");
        Assert.That((plan.Warning, plan.Error), Is.EqualTo(((string?)null, (string?)null)));
        Assert.That(Bounds(plan), Is.EqualTo(new[] { 4096, 1024, 64, 256 }));
    }

    [TestCase(256, 64)]
    [TestCase(1024, 256)]
    [TestCase(4096, 256)]
    public void UsualBounds_AreLoweredInProportion_SoThatDescriptorsNeverRunOut(int limit, int reserve)
    {
        var plan = Fit(limit, reserve, "http=/h,proxy=nginx", "http=/i,proxy=json", "spop=/s", "frames=/f", "native=/n", "envoy=/e", "reverse=/r", "admin=/a");
        var bounds = Bounds(plan);
        var agents = CallSettings.Connections.Default;
        Assert.That(bounds.Sum() + reserve + agents + DescriptorPlan.Own + bounds.Length, Is.LessThanOrEqualTo(limit));
        Assert.That(bounds, Is.All.AtLeast(DescriptorPlan.Least));
        Assert.That((bounds[1], bounds[3], bounds[2] <= bounds[0]), Is.EqualTo((bounds[0], bounds[0], true)), "HTTP, JSON and frames are alike, SPOP has less");
        Assert.That(plan.Error, Is.Null);
        Assert.That(plan.Warning, Does.StartWith($"the limit of open files is {limit}: the connections of listeners are bounded to http:h {bounds[0]}, http:i ")
            .And.Contains($"raise it to {DescriptorPlan.Own + reserve + agents + 8 + 14_912} (LimitNOFILE= in the unit, or ulimit -n)"));
    }

    [Test]
    public void WhatTheOperatorSaid_IsNotLowered()
    {
        var plan = Fit(2000, 256, "http=/h,proxy=nginx,max-connections=1200", "spop=/s");
        Assert.That(Bounds(plan)[0], Is.EqualTo(1200));
        Assert.That(plan.Warning, Does.Contain($"bounded to spop:s {Bounds(plan)[1]};"));
    }

    [Test]
    public void WhatTheOperatorSaidAndCannotBe_IsRefused()
    {
        var plan = Fit(2000, 256, "http=/h,proxy=nginx,max-connections=1800", "spop=/s");
        Assert.That(plan.Error, Is.EqualTo(
            "the limit of open files is 2000, but at least 2224 are needed: 160 for the process itself, 256 in reserve, 2 for listeners, 4 for agents, "
            + "1802 for connections (http:h max-connections=1800); raise it (LimitNOFILE= in the unit, or ulimit -n) or lower max-connections="));
    }

    [Test]
    public void LimitThatIsTooLowForAnything_IsRefused() =>
        Assert.That(Fit(128, 32, "http=/h,proxy=nginx").Error, Does.Contain("the limit of open files is 128, but at least 199 are needed"));

    private static int[] Bounds(DescriptorPlan plan) => [.. plan.Options.Listeners.Select(static listener => listener.Connections)];

    private static DescriptorPlan Fit(int limit, int reserve, params string[] listeners)
    {
        var errors = new List<string>();
        var options = new ConfigurationSnapshot
        {
            Agents = [AgentFlag.Parse("demo=/run/demo.sock", errors)!],
            Listeners = [.. listeners.Select(text => ListenerFlag.Parse(text, errors)!)],
        };
        Assert.That(errors, Is.Empty);
        return DescriptorPlan.Fit(options, limit, reserve);
    }
}
