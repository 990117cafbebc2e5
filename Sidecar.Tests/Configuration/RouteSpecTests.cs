using NUnit.Framework;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Tests.Configuration;

public sealed class RouteSpecTests
{
    [Test]
    public void Everything_IsRead()
    {
        var route = Parse("api,host=*.Example.org,path=/api,method=GET+POST,agents=a+b:monitor>c:off,unapplied=ignore");
        Assert.That((route.Id, route.Host, route.PathPrefix, route.RefusesUnapplied), Is.EqualTo(("api", "*.example.org", "/api", false)));
        Assert.That(route.Methods, Is.EqualTo(new[] { "GET", "POST" }));
        Assert.That(route.Stages, Has.Count.EqualTo(2));
        Assert.That(route.Stages[0], Is.EqualTo(new[] { new RouteAgentOptions("a", null), new RouteAgentOptions("b", AgentMode.Monitor) }));
        Assert.That(route.Stages[1], Is.EqualTo(new[] { new RouteAgentOptions("c", AgentMode.Off) }));
    }

    [Test]
    public void IdAlone_TakesEverythingToNobody()
    {
        var route = Parse("open");
        Assert.That((route.Host, route.PathPrefix, route.Methods.Count, route.Stages.Count, route.RefusesUnapplied), Is.EqualTo(((string?)null, (string?)null, 0, 0, true)));
    }

    [TestCase("::1")]
    [TestCase("[::1]")]
    [TestCase("localhost")]
    public void Host_MayBeAnyNameOrAddress(string host) => Assert.That(Parse($"r,host={host}").Host, Is.EqualTo(host));

    [TestCase("", "write the route's id first")]
    [TestCase("path=/api", "write the route's id first")]
    [TestCase("r,path=api", "path=api does not begin with /")]
    [TestCase("r,path=/api/*", "path=/api/* has a character")]
    [TestCase("r,path=/api?x", "path=/api?x has a character")]
    [TestCase("r,path=", "'path=' has no value")]
    [TestCase("r,host=", "'host=' has no value")]
    [TestCase("r,host=*", "host=* is no host")]
    [TestCase("r,host=*.", "host=*. is no host")]
    [TestCase("r,host=www.*", "host=www.* is no host")]
    [TestCase("r,host=example.org:80", "host=example.org:80 is no host")]
    [TestCase("r,host=http://example.org", "host=http://example.org is no host")]
    [TestCase("r,method=", "'method=' has no value")]
    [TestCase("r,method=+", "method=+ names nothing")]
    [TestCase("r,agents=a:on", "mode on is none of enforce, monitor, off")]
    [TestCase("r,unapplied=shrug", "unapplied=shrug is none of refuse, ignore")]
    [TestCase("r,agent=a", "'agent=a' is none of host=…")]
    public void Mistake_IsNamedOnce(string text, string expected)
    {
        var errors = new List<string>();
        Assert.That(RouteSpec.Parse(text, errors), Is.Null);
        Assert.That(errors, Has.Count.EqualTo(1));
        Assert.That(errors[0], Does.StartWith($"--route '{text}': ").And.Contain(expected));
    }

    private static RouteOptions Parse(string text)
    {
        var errors = new List<string>();
        var route = RouteSpec.Parse(text, errors);
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
        Assert.That(RouteSpec.Parse($"all,sticky={text}", errors)?.Sticky?.ToString(), Is.EqualTo(text));
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
        Assert.That(RouteSpec.Parse($"all,sticky={text}", errors), Is.Null);
        Assert.That(errors, Is.EqualTo(new[] { $"--route 'all,sticky={text}': sticky={text} is none of cookie:NAME, header:NAME, client-address, session" }));
    }
}
