using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Configuration.Settings;

/// <summary>What was written, and what counts where nothing was.</summary>
internal sealed class SettingValuesTests
{
    [Test]
    public void WhatIsNotWritten_IsTheDefaultOfItsVariant()
    {
        Assert.That(SettingValues.Empty.Get(CallSettings.ReconnectMin), Is.EqualTo(TimeSpan.FromMilliseconds(10)));
        Assert.That(SettingValues.Empty.Get(CallSettings.ReconnectMin, CallSettings.Remote), Is.EqualTo(TimeSpan.FromMilliseconds(100)));
        Assert.That(SettingValues.Empty.Get(CallSettings.ReconnectMin, "other"), Is.EqualTo(TimeSpan.FromMilliseconds(10)));
        Assert.That(SettingValues.Empty.Find(CallSettings.ReconnectMin), Is.Null);
        Assert.That(() => SettingValues.Empty.Get(AgentSettings.MaxEvent), Throws.InvalidOperationException.With.Message.Contains("max-event"));
        var written = SettingValues.Empty.With(CallSettings.ReconnectMin, TimeSpan.FromSeconds(1));
        Assert.That(written.Get(CallSettings.ReconnectMin, CallSettings.Remote), Is.EqualTo(TimeSpan.FromSeconds(1)), "what is written goes before every default");
    }

    [Test]
    public void WhatIsWrittenAgain_ReplacesWhatWas_AndNullTakesItAway()
    {
        var one = SettingValues.Empty.With(CallSettings.Queue, 1).With(CallSettings.BreakerRate, 2);
        var two = one.With(CallSettings.Queue, 3);
        Assert.That((one.Get(CallSettings.Queue), two.Get(CallSettings.Queue), two.Written.Count()), Is.EqualTo((1, 3, 2)));
        Assert.That(two.With(CallSettings.Queue, (int?)null), Is.EqualTo(SettingValues.Empty.With(CallSettings.BreakerRate, 2)));
    }

    // A setting that merging forgets would never reach an agent: it is asked of every setting that both may write.
    [Test]
    public void EverySettingOfTheDaemonsAndTheAgents_IsMerged_TheAgentsFirst()
    {
        foreach (var setting in SettingsTable.Of(SettingScopes.Run).Where(static setting => setting.Scopes.HasFlag(SettingScopes.Agent)))
        {
            var (first, second) = Values(setting);
            Assert.That(first, Is.Not.EqualTo(second), setting.Key);
            Assert.That((SettingValues.Empty.Over(first), first.Over(SettingValues.Empty), first.Over(second)), Is.EqualTo((first, first, first)), setting.Key);
        }
    }

    [Test]
    public void TimeoutOfOneEvent_GoesBeforeTheDaemonsOfThatEventOnly()
    {
        var agent = Read(CallSettings.EventTimeouts, "guardrail:1s");
        var merged = agent.Over(Read(CallSettings.EventTimeouts, "guardrail:5s+request-body:4s")).Get(CallSettings.EventTimeouts);
        Assert.That(merged, Is.EquivalentTo(new Dictionary<EventKind, TimeSpan>
        {
            [EventKind.GuardrailInspect] = TimeSpan.FromSeconds(1),
            [EventKind.RequestBodyChunk] = TimeSpan.FromSeconds(4),
        }));
    }

    [Test]
    public void SettingThatFollowsAnother_HasItsValueWhereItIsNotWritten()
    {
        var timeout = Read(CallSettings.HeaderTimeout, "50ms");
        Assert.That(timeout.Followed(SettingScopes.Agent).Get(CallSettings.BodyTimeout), Is.EqualTo(TimeSpan.FromMilliseconds(50)));
        Assert.That(timeout.Followed(SettingScopes.Route), Is.EqualTo(timeout), "it is no setting of routes");
        var both = timeout.With(CallSettings.BodyTimeout, TimeSpan.FromSeconds(1));
        Assert.That(both.Followed(SettingScopes.Agent), Is.EqualTo(both));
        Assert.That(SettingValues.Empty.Followed(SettingScopes.Agent), Is.EqualTo(SettingValues.Empty));
    }

    [Test]
    public void SameTexts_AreEqual_InWhateverOrder()
    {
        var lists = Read(ListenerSettings.SetHeaders, "X-A+X-B");
        Assert.That(lists, Is.EqualTo(Read(ListenerSettings.SetHeaders, "X-A + X-B")).And.Not.EqualTo(Read(ListenerSettings.SetHeaders, "X-B+X-A")));
        var one = lists.With(CallSettings.Queue, 1);
        var other = SettingValues.Empty.With(CallSettings.Queue, 1).Over(lists);
        Assert.That((one, one.GetHashCode()), Is.EqualTo((other, other.GetHashCode())));
        Assert.That(one, Is.Not.EqualTo(lists));
    }

    [Test]
    public void OptionsOfEqualTexts_AreEqual()
    {
        const string Text = "waf=/run/waf.sock,timeout=80ms,events=request-headers+request-body,body-mode=hybrid:8KiB";
        var (one, other) = (AgentFlag.Parse(Text, [])!, AgentFlag.Parse(Text, [])!);
        Assert.That(one.Values, Is.EqualTo(other.Values));
        Assert.That(RouteFlag.Parse("r,agents=a+b:monitor>c,host=A.example", []), Is.EqualTo(RouteFlag.Parse("r,host=a.example,agents=a+b:monitor>c", [])));
    }

    private static SettingValues Read(Setting setting, string text)
    {
        var values = setting.Read(text, SettingValues.Empty, static error => Assert.Fail(error));
        Assert.That(values.Has(setting));
        return values;
    }

    private static (SettingValues First, SettingValues Second) Values(Setting setting)
    {
        var (first, second) = setting.Placeholder.Split('|') switch
        {
            ["N", ..] => ("1", "2"),
            ["DURATION", ..] => ("1s", "2s"),
            ["EVENT:DURATION"] => ("guardrail:1s", "guardrail:2s"),
            ["STRATEGY"] => ("random", "round-robin"),
            ["MODE"] => ("open", "closed"),
            ["closed", "open[+CAUSE:MODE…]"] => ("closed", "open+overload:closed"),
            [var one, var two] => (one, two),
            var other => throw new InvalidOperationException($"{setting.Key} has values that this test does not know: {string.Join('|', other)}"),
        };
        return (Read(setting, first), Read(setting, second));
    }
}
