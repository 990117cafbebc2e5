using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Tests.Configuration;

public sealed class RouteFlagTests
{
    [Test]
    public void Everything_IsRead()
    {
        var route = Parse("api,host=*.Example.org,path=/api,method=GET+POST,agents=a+b:monitor>c:off,unapplied=ignore");
        Assert.That((route.Id, route.Hosts.Single(), route.PathPrefix, route.RefusesUnapplied), Is.EqualTo(("api", "*.example.org", "/api", false)));
        Assert.That(route.Methods, Is.EqualTo(new[] { "GET", "POST" }));
        Assert.That(route.Stages, Has.Count.EqualTo(2));
        Assert.That(route.Stages[0], Is.EqualTo(new[] { new RouteAgentOptions("a", null), new RouteAgentOptions("b", AgentMode.Monitor) }));
        Assert.That(route.Stages[1], Is.EqualTo(new[] { new RouteAgentOptions("c", AgentMode.Off) }));
    }

    [Test]
    public void RouteThatAsksNobody_SaysSo()
    {
        var route = Parse("open,agents=none");
        Assert.That(
            (route.Hosts.Count, route.PathPrefix, route.Methods.Count, route.Stages.Count, route.RefusesUnapplied), Is.EqualTo((0, (string?)null, 0, 0, true)));
    }

    [Test]
    public void SeveralHosts_AreSeparatedByPlus() =>
        Assert.That(Parse("r,agents=a,host=A.example+*.b.example + ::1").Hosts, Is.EqualTo(new[] { "a.example", "*.b.example", "::1" }));

    [TestCase("", false)]
    [TestCase(",path-case=sensitive", false)]
    [TestCase(",path-case=insensitive", true)]
    public void PathCase_IsRead(string key, bool expected) => Assert.That(Parse("r,agents=a,path=/x" + key).IgnoresCase, Is.EqualTo(expected));

    [TestCase("refuse", null)]
    [TestCase("pass", "")]
    [TestCase("inspect:a", "a")]
    [TestCase("inspect:a+b:monitor>c", "a+b>c")]
    public void Unmatched_IsRead(string text, string? agents)
    {
        var errors = new List<string>();
        var route = Unmatched(text, errors);
        Assert.That(errors, Is.Empty);
        Assert.That(
            route is null ? null : string.Join('>', route.Stages.Select(static stage => string.Join('+', stage.Select(static agent => agent.Agent)))),
            Is.EqualTo(agents));
        Assert.That(route?.Id ?? "none", Is.EqualTo("none"));
    }

    [TestCase("", "write refuse, pass, or inspect:A+B")]
    [TestCase("allow", "write refuse, pass, or inspect:A+B")]
    [TestCase("inspect", "write refuse, pass, or inspect:A+B")]
    [TestCase("inspect:none", "write refuse, pass, or inspect:A+B")]
    [TestCase("inspect:", "'' names an agent without a name")]
    [TestCase("inspect:a:on", "mode on is none of enforce, monitor, off")]
    public void UnmatchedThatIsNone_IsNamed(string text, string expected)
    {
        var errors = new List<string>();
        Assert.That(Unmatched(text, errors), Is.Null);
        Assert.That(errors.Single(), Does.Contain(expected));
    }

    [TestCase("::1")]
    [TestCase("[::1]")]
    [TestCase("localhost")]
    public void Host_MayBeAnyNameOrAddress(string host) => Assert.That(Parse($"r,agents=a,host={host}").Hosts, Is.EqualTo(new[] { host }));

    [TestCase("", "write the route's id first")]
    [TestCase("path=/api", "write the route's id first")]
    [TestCase("r,agents=a,path=api", "key path: api does not begin with /")]
    [TestCase("r,agents=a,path=/api/*", "key path: /api/* has a character")]
    [TestCase("r,agents=a,path=/api?x", "key path: /api?x has a character")]
    [TestCase("r,agents=a,path=", "key path: has no value; write path=")]
    [TestCase("r,agents=a,host=", "key host: has no value; write host=")]
    [TestCase("r,agents=a,host=*", "key host: * is no host")]
    [TestCase("r,agents=a,host=*.", "key host: *. is no host")]
    [TestCase("r,agents=a,host=www.*", "key host: www.* is no host")]
    [TestCase("r,agents=a,host=example.org:80", "key host: example.org:80 is no host")]
    [TestCase("r,agents=a,host=http://example.org", "key host: http://example.org is no host")]
    [TestCase("r,agents=a,method=", "key method: has no value; write method=")]
    [TestCase("r,agents=a,method=+", "key method: + names nothing")]
    [TestCase("r", "a route says whom it asks: write agents=A+B, or agents=none")]
    [TestCase("r,path=/api", "a route says whom it asks: write agents=A+B, or agents=none")]
    [TestCase("r,agents=", "key agents: has no value; write agents=")]
    [TestCase("r,agents=+", "key agents: '+' names an agent without a name")]
    [TestCase("r,agents=a>", "key agents: 'a>' names an agent without a name")]
    [TestCase("r,agents=a+>b", "key agents: 'a+>b' names an agent without a name")]
    [TestCase("r,agents=a,host=+", "key host: + names nothing")]
    [TestCase("r,agents=a,host=a.example+b.example:80", "key host: b.example:80 is no host")]
    [TestCase("r,agents=a:on", "mode on is none of enforce, monitor, off")]
    [TestCase("r,agents=a,path=/x,path-case=no", "key path-case: no is none of sensitive, insensitive")]
    [TestCase("r,agents=a,unapplied=shrug", "key unapplied: shrug is none of refuse, ignore")]
    [TestCase("r,agents=a,agent=a", "'agent' is none of its keys; did you mean agents?")]
    public void Mistake_IsNamedOnce(string text, string expected)
    {
        var errors = new List<string>();
        Assert.That(RouteFlag.Parse(text, errors), Is.Null);
        Assert.That(errors, Has.Count.EqualTo(1));
        Assert.That(errors[0], Does.StartWith("--route ").And.Contain(expected));
    }

    private static RouteOptions? Unmatched(string text, List<string> errors) =>
        DaemonSettings.Unmatched.Read(text, SettingValues.Empty, errors.Add).Get(DaemonSettings.Unmatched);

    private static RouteOptions Parse(string text)
    {
        var errors = new List<string>();
        var route = RouteFlag.Parse(text, errors);
        Assert.That(errors, Is.Empty);
        return route!;
    }

    [TestCase("cookie:sid")]
    [TestCase("header:x-session")]
    [TestCase("client-address")]
    [TestCase("session")]
    public void Sticky_IsRead(string text)
    {
        var errors = new List<string>();
        Assert.That(RouteFlag.Parse($"all,agents=a,sticky={text}", errors)?.Sticky?.ToString(), Is.EqualTo(text));
        Assert.That(errors, Is.Empty);
    }

    [TestCase("cookie")]
    [TestCase("cookie:")]
    [TestCase("cookie:a b")]
    [TestCase("header:x:y")]
    [TestCase("session:x")]
    [TestCase("address")]
    public void StickyThatIsNone_IsNamed(string text)
    {
        var errors = new List<string>();
        Assert.That(RouteFlag.Parse($"all,agents=a,sticky={text}", errors), Is.Null);
        Assert.That(errors, Is.EqualTo(new[] { $"--route all: key sticky: {text} is none of cookie:NAME, header:NAME, client-address, session" }));
    }
}
