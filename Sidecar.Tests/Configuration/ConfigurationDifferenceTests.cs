using System.Text.Json;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Tests.Configuration;

/// <summary>What a configuration says otherwise than another, and that one written anew says the same.</summary>
public sealed class ConfigurationDifferenceTests
{
    private static ConfigurationSnapshot Site => Of(
        ["waf=/run/1.sock+/run/2.sock,timeout=80ms", "bot=/run/bot.sock,mode=monitor"],
        ["http=/run/http.sock,proxy=nginx,budget=300ms", "admin=/run/admin.sock"],
        ["api,path=/api,agents=waf>bot", "site,host=a.example+b.example,agents=waf:monitor", "rest,agents=none"]);

    [Test]
    public void TheSameWrittenAnew_IsNoDifference()
    {
        var difference = ConfigurationDifference.Between(Site, Site);
        Assert.That(difference.IsEmpty, Is.True);
        Assert.That((difference.Agents.Unchanged, difference.Listeners.Unchanged, difference.Routes.Unchanged), Is.EqualTo((2, 2, 3)));
        Assert.That(difference.ToString(), Is.Empty);
    }

    [Test]
    public void WhatComesChangesAndGoes_IsNamed()
    {
        var next = Of(
            ["waf=/run/1.sock+/run/3.sock,timeout=80ms", "auth=/run/auth.sock"],
            ["http=/run/http.sock,proxy=nginx,budget=200ms", "native=/run/native.sock"],
            ["api,path=/api,agents=waf", "site,host=a.example+b.example,agents=waf:monitor", "new,path=/new,agents=auth", "rest,agents=none"]);
        var difference = ConfigurationDifference.Between(Site, next with { DrainTimeout = TimeSpan.FromSeconds(3) });
        Assert.That(difference.ToString(), Is.EqualTo(
            "agents added auth, changed waf, removed bot; listeners added native:native.sock, changed http:http.sock, removed admin:admin.sock; "
            + "routes added new, changed api; settings changed drain-timeout"));
    }

    [Test]
    public void OrderOfRoutes_IsADifference_AndThatOfListenersAndAgentsIsNoneBesideRoutes()
    {
        var site = Site;
        var moved = ConfigurationDifference.Between(site, site with { Routes = [site.Routes[1], site.Routes[0], site.Routes[2]] });
        Assert.That((moved.Routes.Changed, moved.Routes.Unchanged), Is.EqualTo((new[] { "api", "site" }, 1)));
        var turned = site with { Listeners = [.. site.Listeners.Reverse()], Agents = [.. site.Agents.Reverse()] };
        Assert.That(ConfigurationDifference.Between(site, turned).IsEmpty, Is.True);
        var bare = ConfigurationDifference.Between(site with { Routes = [] }, turned with { Routes = [] });
        Assert.That(bare.Agents.Changed, Is.EqualTo(new[] { "waf", "bot" }));
    }

    [TestCase("{\"a\":1,\"b\":[2]}", "{ \"b\": [2], \"a\": 1 }", true)]
    [TestCase("{\"a\":1}", "{\"a\":2}", false)]
    [TestCase("{\"a\":1}", null, false)]
    [TestCase(null, null, true)]
    public void ConfigurationsOfAgents_AreComparedByWhatTheySay(string? one, string? other, bool isSame)
    {
        static JsonElement? Read(string? text) => text is null ? null : JsonSerializer.Deserialize<JsonElement>(text);
        ConfigurationSnapshot With(string? text) => Site with { Agents = [Site.Agents[0] with { Configuration = Read(text) }] };
        Assert.That(ConfigurationDifference.Between(With(one), With(other)).IsEmpty, Is.EqualTo(isSame));
    }

    [Test]
    public void VersionsOfAnAgent_AreComparedByNameWeightAndPlaces()
    {
        static VersionOptions Version(string name, int weight) => new(name, [new AgentEndpoint.Unix($"/{name}")], weight);
        ConfigurationSnapshot With(int weight) => Site with { Agents = [Site.Agents[0] with { Versions = [Version("a", weight), Version("b", 1)] }] };
        Assert.That(ConfigurationDifference.Between(With(1), With(1)).IsEmpty, Is.True);
        Assert.That(ConfigurationDifference.Between(With(1), With(2)).Agents.Changed, Is.EqualTo(new[] { "waf" }));
    }

    [Test]
    public void ASettingThatIsNoLongerWritten_IsADifference() => Assert.That(
        ConfigurationDifference.Between(Site with { Values = SettingValues.Empty.With(DaemonSettings.MaxExchanges, 7) }, Site).Settings,
        Is.EqualTo(new[] { "max-exchanges" }));

    [Test]
    public void LongLists_AreCutInALine()
    {
        var many = Of([.. Enumerable.Range(1, 100).Select(static n => $"a{n}=/run/{n}.sock")], [], []);
        Assert.That(ConfigurationDifference.Between(new ConfigurationSnapshot(), many).ToString(), Does.EndWith("a20 and 80 more"));
    }

    private static ConfigurationSnapshot Of(string[] agents, string[] listeners, string[] routes)
    {
        var problems = new List<string>();
        var snapshot = new ConfigurationSnapshot
        {
            Agents = [.. agents.Select(text => AgentFlag.Parse(text, problems)!)],
            Listeners = [.. listeners.Select(text => ListenerFlag.Parse(text, problems)!)],
            Routes = [.. routes.Select(text => RouteFlag.Parse(text, problems)!)],
        };
        Assert.That(problems, Is.Empty);
        return snapshot;
    }
}
