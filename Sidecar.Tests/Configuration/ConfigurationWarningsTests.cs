using NUnit.Framework;
using Sidecar.Tests.Configuration.Files;

namespace Sidecar.Tests.Configuration;

/// <summary>What is probably not meant is said where it stands, and what is meant is not.</summary>
internal sealed class ConfigurationWarningsTests
{
    [TestCase("{name: a, match: any, inspect: waf}", "{name: b, match: {host: x.example}, inspect: none}", true)]
    [TestCase("{name: a, match: {host: '*.example'}, inspect: waf}", "{name: b, match: {host: x.example}, inspect: none}", true)]
    [TestCase("{name: a, match: {path_prefix: /api}, inspect: waf}", "{name: b, match: {path_prefix: /api/v1}, inspect: none}", true)]
    [TestCase("{name: a, match: {path_prefix: /API, path_case: insensitive}, inspect: waf}", "{name: b, match: {path_prefix: /api/}, inspect: none}", true)]
    [TestCase("{name: a, match: {host: [x.example, y.example], method: [GET, POST]}, inspect: waf}", "{name: b, match: {host: y.example, method: GET}, inspect: none}", true)]
    [TestCase("{name: a, match: {host: '*.example'}, inspect: waf}", "{name: b, match: {host: example}, inspect: none}", false)]
    [TestCase("{name: a, match: {path_prefix: /api}, inspect: waf}", "{name: b, match: {path_prefix: /apis}, inspect: none}", false)]
    [TestCase("{name: a, match: {path_prefix: /api}, inspect: waf}", "{name: b, match: {path_prefix: /api/v1, path_case: insensitive}, inspect: none}", false)]
    [TestCase("{name: a, match: {path_prefix: /api}, inspect: waf}", "{name: b, match: {path_prefix: /api/../x}, inspect: none}", false)]
    [TestCase("{name: a, match: {method: GET}, inspect: waf}", "{name: b, match: any, inspect: none}", false)]
    [TestCase("{name: a, match: {host: x.example}, inspect: waf}", "{name: b, match: any, inspect: none}", false)]
    public void RouteThatIsNeverReached_IsNamed(string earlier, string later, bool isShadowed)
    {
        var warnings = Warnings($"agents: {{waf: {{at: /w/w}}}}\nroutes:\n- {earlier}\n- {later}\n");
        Assert.That(warnings, isShadowed
            ? Is.EqualTo(new[]
            {
                "/etc/s.yaml:6:3: warning: route b is never reached: route a stands before it and takes all that it takes; change their order, or leave one out",
            })
            : Is.Empty);
    }

    [TestCase("agents: {waf: {at: /w/w}, bot: {at: /w/b}}\nroutes: [{name: a, match: any, inspect: waf}]", "3:27", "agent bot is asked by no route")]
    [TestCase("agents: {waf: {at: /w/w, events: [request-headers, response-headers]}}", "3:10", "agent waf wants events that no listener has: response-headers")]
    [TestCase("agents: {waf: {at: /w/w, events: [websocket-frame]}}", "3:10", "agent waf wants events that no listener has: websocket-frame")]
    [TestCase("agents: {waf: {at: /w/w, timeout: 900ms}}\nroutes: [{name: a, match: any, inspect: waf}]", "4:10", "route a may take 900ms by the timeouts of its agents, and listener n has 400ms")]
    [TestCase("defaults: {timeout: 250ms}\nagents: {waf: {at: /w/w}, bot: {at: /w/b}}\nroutes: [{name: a, match: any, inspect: [waf, bot]}]", "5:10", "route a may take 500ms")]
    [TestCase("agents: {waf: {at: /nowhere/w}}", "3:10", "agent waf: there is no directory /nowhere for its socket yet")]
    public void WhatIsProbablyNotMeant_IsSaidWhereItStands(string text, string place, string expected) =>
        Assert.That(Warnings(text).Single(), Does.StartWith($"/etc/s.yaml:{place}: warning: {expected}"));

    [TestCase("agents: {waf: {at: /w/w, timeout: 900ms}}\nroutes: [{name: a, match: any, inspect: {waf: monitor}}]", Description = "nobody waits for it")]
    [TestCase("agents: {waf: {at: /w/w}, bot: {at: /w/b}, c: {at: /w/c}, d: {at: /w/d}}\nroutes: [{name: a, match: any, inspect: [waf, bot, c, d]}]", Description = "ceilings that nobody wrote")]
    [TestCase("agents: {waf: {at: /w/w, events: all, body: {required: no}}}", Description = "whatever there is")]
    [TestCase("agents: {waf: {at: /w/w}, bot: {at: /w/b}}", Description = "without a route everybody is asked")]
    [TestCase("agents: {waf: {at: /w/w}, bot: {at: /w/b}}\nunmatched: {inspect: bot}\nroutes: [{name: a, match: {host: a.example}, inspect: waf}]")]
    public void WhatIsMeant_IsNotWarnedOf(string text) => Assert.That(Warnings(text), Is.Empty);

    [Test]
    public void GroupThatIsNotThere_IsNamed()
    {
        var machine = ConfigurationText.Machine with { GroupExists = static group => group != "caddy" };
        var reading = ConfigurationText.Read("version: 1\nlisteners: {n: {for: caddy, socket: /r/n, group: caddy}}\nagents: {waf: {at: /w/w}}\n", machine);
        Assert.That(reading.Warnings.Single(), Does.StartWith("/etc/s.yaml:2:13: warning: listener n: there is no group caddy on this machine"));
    }

    private static IReadOnlyList<string> Warnings(string text)
    {
        var machine = ConfigurationText.Machine with { DirectoryExists = static path => path != "/nowhere" };
        var reading = ConfigurationText.Read("version: 1\nlisteners: {n: {for: nginx, socket: /r/n}}\n" + text, machine);
        Assert.That(reading.Errors, Is.Empty);
        return reading.Warnings;
    }
}
