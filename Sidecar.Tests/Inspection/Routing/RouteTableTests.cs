using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Routing;

[TestFixture]
internal sealed class RouteTableTests
{
    private static readonly AgentPolicy Policy = new() { HeaderTimeout = TimeSpan.FromMilliseconds(100), BodyTimeout = TimeSpan.FromMilliseconds(400) };
    private static readonly AgentState Waf = Agent("waf");
    private static readonly AgentState Auth = Agent("auth");
    private static readonly AgentState Bot = Agent("bot");

    private static readonly RouteTable Paths = new(
    [
        Route("public", "/public"),
        Route("admin", "/admin"),
        Route("scope", "/@scope"),
        Route("coffee", "/caf\u00e9/"),
        Route("rest", "/"),
    ]);

    [TestCase("/public", "public")]
    [TestCase("/public/", "public")]
    [TestCase("/public/x?y", "public")]
    [TestCase("/publicity", "rest")]
    [TestCase("/Public", "rest")]
    [TestCase("/", "rest")]
    [TestCase("", "rest")]
    [TestCase("*", "rest")]
    [TestCase("http://h/admin", "admin")]
    [TestCase("/@scope/a", "scope")]
    [TestCase("/caf\u00c3\u00a9", "coffee")]
    [TestCase("/x/../y", "rest")]
    [TestCase("/public/%20", "public")]
    public void PathThatAllReadAlike_GetsTheFirstRouteThatTakesIt(string target, string route) =>
        Assert.That(Paths.Match("h", target, "GET"), Is.SameAs(Paths.Routes.Single(candidate => candidate.Id == route)));

    [TestCase("/ready", "exact")]
    [TestCase("/ready?x", "exact")]
    [TestCase("/ready/", "exact")]
    [TestCase("/ready/.", "exact+rest")]
    [TestCase("/ready/x/..", "exact+rest")]
    [TestCase("/ready//", "exact")]
    [TestCase("/ready/x", "rest")]
    [TestCase("/Ready", "rest")]
    [TestCase("/READY", "rest")]
    [TestCase("/%72eady", "exact+rest")]
    [TestCase("/x/../ready", "exact+rest")]
    [TestCase("/ready;x", "exact+rest")]
    [TestCase("/ready/..", "rest")]
    [TestCase("/ready/../admin", "rest")]
    [TestCase("/Any", "caseless")]
    [TestCase("/any/x", "rest")]
    [TestCase("/a%20b", "escaped+rest")]
    public void ExactPath_TakesNothingBelowIt_AndIsFoundHoweverItIsSpelled(string target, string route)
    {
        var table = new RouteTable(
        [
            new RouteModel { Id = "exact", Match = new RouteMatch { ExactPath = "/ready" } },
            new RouteModel { Id = "caseless", Match = new RouteMatch { ExactPath = "/aNy", IgnoresCase = true } },
            new RouteModel { Id = "escaped", Match = new RouteMatch { ExactPath = "/a b" } },
            Route("rest", "/"),
        ]);
        Assert.That(table.Match("h", target, "GET")!.Id.Split('+'), Is.EquivalentTo(route.Split('+')).Or.EqualTo(new[] { route }));
    }

    [TestCase("a", "inside")]
    [TestCase("b", "inside")]
    [TestCase("c", "rest")]
    [TestCase("", "rest")]
    [TestCase("A", "rest")]
    public void Listener_IsACondition(string listener, string route)
    {
        var table = new RouteTable([new RouteModel { Id = "inside", Match = new RouteMatch { Listeners = ["a", "b"] } }, Route("rest", "/")]);
        Assert.That(table.Match("h", "/", "GET", listener)!.Id, Is.EqualTo(route));
        Assert.That(table.Match("h", "/x/%2e%2e/y", "GET", listener)!.Id, Is.EqualTo(route), "also of a path that can be read in several ways");
    }

    [TestCase("//admin", "admin+rest")]
    [TestCase("/x/../admin", "admin+rest")]
    [TestCase("/%61dmin", "admin+rest")]
    [TestCase("/public/../admin", "public+admin")]
    [TestCase("/public/%2e%2e/admin", "public+admin")]
    [TestCase("/public/%2e%2e%2fadmin", "public+admin")]
    [TestCase("/public%2f..%2fadmin", "public+admin+rest")]
    [TestCase("/public/..;/admin", "public+admin")]
    [TestCase("/admin;x", "admin+rest")]
    [TestCase("/public\\..\\admin", "public+admin+rest")]
    [TestCase("/x\\y/../admin", "admin+rest")]
    [TestCase("/x\\y%2f..%2fadmin", "admin+rest")]
    [TestCase("/public#/../admin", "public+admin+rest")]
    [TestCase("/p/../admin//../", "admin+rest")]
    [TestCase("/%40scope", "scope+rest")]
    [TestCase("/caf%c3%A9/x", "coffee+rest")]
    [TestCase("http://h\\admin", "admin+rest")]
    [TestCase("admin", "admin+rest")]
    public void PathThatServersReadDifferently_GetsTheAgentsOfEachReading(string target, string routes) =>
        Assert.That(Paths.Match("h", target, "GET")?.Id, Is.EqualTo(routes));

    [Test]
    public void PathThatTwoReadingsTake_WhateverTheTrick_IsOneAndTheSameRoute()
    {
        var first = Paths.Match("h", "/x/../admin", "GET");

        Assert.That(Paths.Match("h", "//admin", "POST"), Is.SameAs(first));
        Assert.That(Paths.Match("h", "/admin/..", "GET"), Is.SameAs(first), "the order of discovery makes no difference");
    }

    [TestCase("/x/../admin", "admin")]
    [TestCase("/admin/../x", "admin")]
    [TestCase("/x", null)]
    public void ReadingThatNoRouteTakes_LeavesTheOtherAlone_WhereSuchRequestsPass(string target, string? route) =>
        Assert.That(new RouteTable([Route("admin", "/admin")], unmatched: null).Match(null, target, "GET")?.Id, Is.EqualTo(route));

    [TestCase("/x")]
    [TestCase("/")]
    [TestCase("*")]
    [TestCase("/admin/../x")]
    [TestCase("/x/../admin")]
    [TestCase("/admin/..%2fx")]
    [TestCase("/admin/..;/x")]
    [TestCase("/admin\\..\\x")]
    [TestCase("/public/..%2fx")]
    public void PathThatNoRouteTakesInSomeReading_NeverPassesByOmission(string target)
    {
        var route = new RouteTable([Route("admin", "/admin"), Route("public", "/public")]).Match("h", target, "GET");
        Assert.That((route?.Id, route?.Refuses), Is.EqualTo(("none", true)));
    }

    [TestCase("/x", "none", "bot")]
    [TestCase("/admin", "admin", "waf")]
    [TestCase("/admin/..%2fx", "admin+none", "waf,bot")]
    public void AgentsForUnmatchedRequests_AreAskedWhereverAReadingIsUnmatched(string target, string id, string agents)
    {
        var admin = Route("admin", "/admin") with { Stages = [[On(Waf, Policy)]] };
        var unmatched = new RouteModel { Id = "none", Stages = [[On(Bot, Policy)]] };
        var route = new RouteTable([admin], unmatched).Match("h", target, "GET")!;
        Assert.That((route.Id, route.Refuses), Is.EqualTo((id, false)));
        Assert.That(string.Join(',', route.Stages.SelectMany(static stage => stage).Select(static agent => agent.Agent.Id)), Is.EqualTo(agents));
    }

    [TestCase("a.example", true)]
    [TestCase("x.b.example:443", true)]
    [TestCase("b.example", false)]
    [TestCase("xb.example", false)]
    [TestCase(null, false)]
    public void SeveralHosts_AreEachTaken(string? host, bool matches)
    {
        var table = new RouteTable([new RouteModel { Id = "r", Match = new RouteMatch { Hosts = ["a.example", "*.b.example"] } }]);
        Assert.That(table.Match(host, "/", "GET")!.Refuses, Is.Not.EqualTo(matches));
    }

    [Test]
    public void PrefixWrittenWithEscapes_IsMetByAClientThatWritesNone()
    {
        var table = new RouteTable([Route("scope", "/%40scope"), Route("rest", null)]);

        Assert.That(table.Match(null, "/@scope", "GET")?.Id, Is.EqualTo("scope+rest"));
        Assert.That(table.Match(null, "/%40scope", "GET")?.Id, Is.EqualTo("scope"));
    }

    [TestCase("example.org", "example.org", true)]
    [TestCase("example.org", "EXAMPLE.org.:8443", true)]
    [TestCase("example.org", "a.example.org", false)]
    [TestCase("example.org", "example.org.evil", false)]
    [TestCase("example.org", null, false)]
    [TestCase("example.org", "", false)]
    [TestCase("*.example.org", "a.b.Example.Org:80", true)]
    [TestCase("*.example.org", "example.org", false)]
    [TestCase("*.example.org", ".example.org", false)]
    [TestCase("*.example.org", "evilexample.org", false)]
    [TestCase("::1", "[::1]:8080", true)]
    [TestCase("[::1]", "[::1]", true)]
    [TestCase("[::1]", "::1", true)]
    [TestCase("::1", "[::2]", false)]
    [TestCase(null, null, true)]
    public void Host_ComparesWithoutPortCaseAndTrailingDot(string? pattern, string? host, bool matches)
    {
        var table = new RouteTable([new RouteModel { Id = "r", Match = new RouteMatch { Hosts = pattern is null ? [] : [pattern] } }], unmatched: null);

        Assert.That(table.Match(host, "/", "GET"), matches ? Is.Not.Null : Is.Null);
    }

    [TestCase("POST", true)]
    [TestCase("PUT", true)]
    [TestCase("GET", false)]
    [TestCase("post", false)]
    public void Method_ComparesAsItStands(string method, bool matches)
    {
        var table = new RouteTable([new RouteModel { Id = "r", Match = new RouteMatch { Methods = ["POST", "PUT"] } }], unmatched: null);

        Assert.That(table.Match(null, "/", method), matches ? Is.Not.Null : Is.Null);
    }

    [Test]
    public void CombinedRoute_AsksEachAgentOnce_AndTheStricterWay()
    {
        var monitored = On(Waf, Policy with { Mode = AgentMode.Monitor, Events = EventSet.RequestHeaders });
        var open = On(Auth, Policy with { OnFailure = FailureMode.Open, Events = EventSet.RequestHeaders });
        var table = new RouteTable(
        [
            new RouteModel { Id = "a", Match = new RouteMatch { PathPrefix = "/a" }, Stages = [[monitored, open]], RefusesUnapplied = false },
            new RouteModel
            {
                Id = "b",
                Match = new RouteMatch { PathPrefix = "/b" },
                Stages = [
                    [On(Waf, Policy)], [On(Auth, Policy with { Events = EventSet.RequestBodyChunk }), On(Bot, Policy)]],
            },
        ]);

        var route = table.Match(null, "/b/../a", "GET")!;

        Assert.That(route.Id, Is.EqualTo("a+b"));
        Assert.That(route.RefusesUnapplied, Is.True);
        Assert.That(route.Stages.Select(stage => string.Join(',', stage.Select(agent => agent.Agent.Id))), Is.EqualTo(new[] { "waf,auth", "bot" }));
        Assert.That(route.Stages[0][0].Policy, Is.EqualTo(Policy));
        Assert.That(
            route.Stages[0][1].Policy,
            Is.EqualTo(Policy with { OnFailure = FailureMode.Closed, Events = EventSet.RequestHeaders | EventSet.RequestBodyChunk }));
    }

    [Test]
    public void MoreCombinationsThanAreKept_AreStillCombined()
    {
        var routes = Enumerable.Range(0, 60).Select(i => Route($"r{i}", $"/p{i}")).ToList();
        var combiner = new RouteCombiner(routes);
        var first = combiner.Combine([0, 0]);
        for (var i = 0; i < RouteCombiner.MaxKept; i++)
        {
            combiner.Combine([i / 60, i % 60]);
        }

        var beyond = combiner.Combine([58, 59]);

        Assert.That(beyond.Id, Is.EqualTo("r58+r59"));
        Assert.That(combiner.Combine([58, 59]), Is.Not.SameAs(beyond));
        Assert.That(combiner.Combine([0, 0]), Is.SameAs(first));
    }

    [TestCase("/public/a/b?c=d%20e", false)]
    [TestCase("/%70ublic/../public/a", true)]
    [TestCase("/%70ublic/../public/a", false)]
    [TestCase("/public/../admin/x", true)]
    [TestCase("/public/../admin/x", false)]
    public void Match_OfARequestWithOneRoute_AllocatesNothing(string target, bool isPassing)
    {
        var table = new RouteTable([Route("public", "/public"), Route("admin", "/static")], isPassing ? null : RouteModel.Refusing);
        Assert.That(Allocations.Of(1, () => table.Match("h:80", target, "GET")), Is.Zero);
    }

    [Test]
    public void Target64KiBLong_IsMatched()
    {
        var climb = string.Concat(Enumerable.Repeat("/x%2f;\\..//..", 5000));

        Assert.That(Paths.Match("h", climb + "/admin", "GET")?.Id, Does.Contain("admin"));
    }

    [TestCase("/;\\%2e%2e.%252f/../%2f\\/%5c##%2e")]
    [TestCase("long")]
    public void PathWithTooManyReadings_GetsTheAgentsOfAllRoutesThatItCouldBe(string target)
    {
        var path = target == "long" ? string.Concat(Enumerable.Repeat("/x%2f;\\..//..", 5000)) : target;
        var elsewhere = new RouteModel { Id = "elsewhere", Match = new RouteMatch { Hosts = ["other.example"] } };
        RouteModel[] routes = [Route("admin", "/admin"), elsewhere, Route("static", "/static")];

        Assert.That(new RouteTable([.. routes, Route("rest", null), Route("never", "/x")]).Match("h", path, "GET")?.Id, Is.EqualTo("admin+static+rest"));
        Assert.That(new RouteTable(routes).Match("h", path, "GET")?.Refuses, Is.True);
        Assert.That(new RouteTable(routes, unmatched: null).Match("h", path, "GET")?.Id, Is.EqualTo("admin+static"));
    }

    private static RouteModel Route(string id, string? prefix) => new() { Id = id, Match = new RouteMatch { PathPrefix = prefix } };

    // Only its identity counts here: nobody is asked.
    private static AgentState Agent(string id) => new(id, Policy, new VersionPlan(new AgentVersion("1", null!)), TimeProvider.System, null!);

    private static RouteAgent On(AgentState agent, AgentPolicy policy) => new(agent, policy, agent.Plan);
}
