using NUnit.Framework;
using Sidecar.Daemon.Configuration;

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
        var route = RouteFlag.ParseUnmatched(text, errors);
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
    [TestCase("inspect:", "agents= names an agent without a name")]
    [TestCase("inspect:a:on", "mode on is none of enforce, monitor, off")]
    public void UnmatchedThatIsNone_IsNamed(string text, string expected)
    {
        var errors = new List<string>();
        Assert.That(RouteFlag.ParseUnmatched(text, errors), Is.Null);
        Assert.That(errors.Single(), Does.StartWith($"--unmatched {text}: ").And.Contain(expected));
    }

    [TestCase("::1")]
    [TestCase("[::1]")]
    [TestCase("localhost")]
    public void Host_MayBeAnyNameOrAddress(string host) => Assert.That(Parse($"r,agents=a,host={host}").Hosts, Is.EqualTo(new[] { host }));

    [TestCase("", "write the route's id first")]
    [TestCase("path=/api", "write the route's id first")]
    [TestCase("r,agents=a,path=api", "path=api does not begin with /")]
    [TestCase("r,agents=a,path=/api/*", "path=/api/* has a character")]
    [TestCase("r,agents=a,path=/api?x", "path=/api?x has a character")]
    [TestCase("r,agents=a,path=", "'path=' has no value")]
    [TestCase("r,agents=a,host=", "'host=' has no value")]
    [TestCase("r,agents=a,host=*", "host=* is no host")]
    [TestCase("r,agents=a,host=*.", "host=*. is no host")]
    [TestCase("r,agents=a,host=www.*", "host=www.* is no host")]
    [TestCase("r,agents=a,host=example.org:80", "host=example.org:80 is no host")]
    [TestCase("r,agents=a,host=http://example.org", "host=http://example.org is no host")]
    [TestCase("r,agents=a,method=", "'method=' has no value")]
    [TestCase("r,agents=a,method=+", "method=+ names nothing")]
    [TestCase("r", "a route says whom it asks: write agents=A+B, or agents=none")]
    [TestCase("r,path=/api", "a route says whom it asks: write agents=A+B, or agents=none")]
    [TestCase("r,agents=", "'agents=' has no value")]
    [TestCase("r,agents=+", "agents=+ names an agent without a name")]
    [TestCase("r,agents=a>", "agents=a> names an agent without a name")]
    [TestCase("r,agents=a+>b", "agents=a+>b names an agent without a name")]
    [TestCase("r,agents=a,host=+", "host=+ names nothing")]
    [TestCase("r,agents=a,host=a.example+b.example:80", "host=b.example:80 is no host")]
    [TestCase("r,agents=a:on", "mode on is none of enforce, monitor, off")]
    [TestCase("r,agents=a,path=/x,path-case=no", "path-case=no is none of sensitive, insensitive")]
    [TestCase("r,agents=a,unapplied=shrug", "unapplied=shrug is none of refuse, ignore")]
    [TestCase("r,agents=a,agent=a", "'agent=a' is none of host=…")]
    public void Mistake_IsNamedOnce(string text, string expected)
    {
        var errors = new List<string>();
        Assert.That(RouteFlag.Parse(text, errors), Is.Null);
        Assert.That(errors, Has.Count.EqualTo(1));
        Assert.That(errors[0], Does.StartWith($"--route '{text}': ").And.Contain(expected));
    }

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
        Assert.That(errors, Is.EqualTo(new[] { $"--route 'all,agents=a,sticky={text}': sticky={text} is none of cookie:NAME, header:NAME, client-address, session" }));
    }
}
