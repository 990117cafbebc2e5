using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Tests.Configuration;

public sealed class OptionsValidatorTests
{
    private static readonly ConfigurationSnapshot Good = new()
    {
        Agents = [new AgentOptions { Id = "waf", Endpoints = [new AgentEndpoint.Unix("/run/waf.sock")] }],
        Listeners = [new ListenerOptions { Kind = ListenerKind.Native, Path = "/run/n.sock" }],
        Routes = [Route("r", "waf")],
    };

    private static ListenerOptions Tcp => new()
    {
        Kind = ListenerKind.Http,
        Proxy = ProxyKind.Traefik,
        Path = "127.0.0.1:9000",
        Address = System.Net.IPEndPoint.Parse("127.0.0.1:9000"),
    };

    private static ConfigurationSnapshot Reverse(Func<ReverseOptions, ReverseOptions> change, params string[] agents) => new()
    {
        Agents = [.. agents.Select(static id => new AgentOptions { Id = id, Endpoints = [new AgentEndpoint.Reverse()] })],
        Listeners = [new ListenerOptions { Kind = ListenerKind.Reverse, Path = "/run/r", Reverse = change(new ReverseOptions()) }],
    };

    private static IEnumerable<TestCaseData> Mistakes()
    {
        yield return Case("no listener", Good with { Listeners = [] }, "no listener: give at least one (--listen");
        yield return Case("agent twice", Good with { Agents = [.. Good.Agents, Good.Agents[0]] }, "agent waf is given 2 times");
        yield return Case("route twice", Good with { Routes = [Route("r", "waf"), Route("r", "waf")] }, "route r is given 2 times");
        yield return Case("path twice", Good with { Listeners = [.. Good.Listeners, Good.Listeners[0] with { Path = "/run/../run/n.sock" }] }, "listener path /run/n.sock is given 2 times");
        yield return Case("address twice", Good with { Listeners = [Tcp, Tcp] }, "listener path 127.0.0.1:9000 is given 2 times");
        yield return Case("nobody to ask", new ConfigurationSnapshot { Listeners = Good.Listeners }, "no agent: give at least one (--agent, or below agents in the file), or a route that asks none");
        yield return Case("unmatched agent", Good with { Unmatched = Route("none", "bot") }, "unmatched names agent bot, which is not defined; defined are: waf");
        yield return Case("agent twice unmatched", Good with { Unmatched = Route("none", "waf", "waf") }, "agent on unmatched waf is given 2 times");
        yield return Case("agent called none", Good with { Agents = [.. Good.Agents, new AgentOptions { Id = "none", Endpoints = [new AgentEndpoint.Unix("/x")] }] }, "agent id 'none' is the word for a route that asks nobody");
        yield return Case("route called none", Good with { Routes = [Route("none", "waf")] }, "route id 'none' is the word for the requests that no route takes");
        yield return Case("unknown agent", Good with { Routes = [Route("r", "bot")] }, "route r names agent bot, which is not defined; defined are: waf");
        yield return Case("agent twice on a route", Good with { Routes = [Route("r", "waf", "waf")] }, "agent on route r waf is given 2 times");
        yield return Case("agent id", Good with { Agents = [.. Good.Agents, new AgentOptions { Id = "a b", Endpoints = [new AgentEndpoint.Unix("/x")] }] }, "agent id 'a b' may have 1 to 64");
        yield return Case("route id", Good with { Routes = [Route("", "waf")] }, "route id '' may have 1 to 64");
        yield return Case("long id", Good with { Routes = [Route(new string('r', 65), "waf")] }, "may have 1 to 64");
        yield return Case("itself", Good with { Agents = [new AgentOptions { Id = "waf", Endpoints = [new AgentEndpoint.Unix("/run/waf.sock"), new AgentEndpoint.Unix("/run/./n.sock")] }] }, "the daemon would ask itself");
        yield return Case("backoff", Good with { Pool = Backoff(min: 5) }, "agent waf: reconnect-max 2s is below reconnect-min 5s");
        yield return Case(
            "backoff of the agent against the daemon's",
            Good with
            {
                Pool = Backoff(max: 1),
                Agents = [Good.Agents[0] with { Pool = Backoff(min: 3) }],
            },
            "agent waf: reconnect-max 1s is below reconnect-min 3s");
        yield return Case("nobody lets it in", Reverse(static listener => listener with { Agents = ["bot"] }, "waf", "bot"), "agent waf registers itself, but no listener lets it in");
        yield return Case("let in and unknown", Reverse(static listener => listener with { Agents = ["waf", "bot"] }, "waf"), "listener reverse:r lets in agent bot, but no agent of that name has the endpoint reverse:");
        yield return Case("nobody to let in", Reverse(static listener => listener), "listener reverse:r waits for agents, but none registers itself");
        yield return Case(
            "encoding", Reverse(static listener => listener, "waf") is var good ? good with { Agents = [good.Agents[0] with { Encoding = "msgpack" }] } : null!, "agent waf: encoding msgpack cannot be had");
    }

    [Test]
    public void AgentsThatDialIn_AndTheirListener_HaveNoErrors() => Assert.That(
        OptionsValidator.Validate(Reverse(static listener => listener with { Agents = ["waf"] }, "waf") with { Routes = [Route("r", "waf")] }), Is.Empty);

    [Test]
    public void DaemonThatAsksNobody_IsFine_WhereARouteSaysSo() =>
        Assert.That(OptionsValidator.Validate(new ConfigurationSnapshot { Listeners = Good.Listeners, Routes = [RouteFlag.Parse("all,agents=none", [])!] }), Is.Empty);

    [Test]
    public void AgentForUnmatchedRequestsOnly_NeedsBodiesToo()
    {
        var errors = new List<string>();
        var options = Good with
        {
            Agents = [.. Good.Agents, AgentFlag.Parse("bot=/run/bot.sock,events=request-body", errors)!],
            Listeners = [ListenerFlag.Parse("http=/run/h.sock,proxy=nginx", errors)!],
            Unmatched = Route(RouteOptions.UnmatchedId, "bot"),
        };
        Assert.That(errors, Is.Empty);
        Assert.That(OptionsValidator.Validate(options).Single(), Does.Contain("agent bot needs bodies"));
    }

    [Test]
    public void GoodOptions_HaveNoErrors() => Assert.That(OptionsValidator.Validate(Good), Is.Empty);

    [TestCase("request-headers+request-body", "waf", null, true)]
    [TestCase("response-body", "waf", null, true)]
    [TestCase("request-headers+request-body", null, null, true)]
    [TestCase("request-headers", "waf", null, false)]
    [TestCase("all", "waf", null, true)]
    [TestCase("all", "waf", "body=optional", false)]
    [TestCase("request-body", "waf", "body=optional", false)]
    [TestCase("request-body", "waf", "mode=off", false)]
    [TestCase("request-body", "waf:off", null, false)]
    [TestCase("request-body", "bot", null, false)]
    public void AgentThatNeedsBodies_IsRefusedBehindAListenerThatHasNone(string events, string? route, string? key, bool isRefused)
    {
        var errors = new List<string>();
        var agent = AgentFlag.Parse($"waf=/run/waf.sock,events={events}{(key is null ? "" : "," + key)}", errors)!;
        var other = AgentFlag.Parse("bot=/run/bot.sock", errors)!;
        var listener = ListenerFlag.Parse("http=/run/h.sock,proxy=nginx", errors)!;
        Assert.That(errors, Is.Empty);
        var options = Good with
        {
            Agents = [agent, other],
            Listeners = [.. Good.Listeners, listener, new ListenerOptions { Kind = ListenerKind.Admin, Path = "/run/a.sock" }],
            Routes = route is null ? [] : [RouteFlag.Parse($"r,agents={route}", errors)!],
        };
        Assert.That(OptionsValidator.Validate(options), isRefused
            ? Has.Exactly(1).Matches<string>(static error => error.Contains("agent waf needs bodies", StringComparison.Ordinal) && error.Contains("listener http:h.sock", StringComparison.Ordinal))
            : Is.Empty);
        Assert.That(OptionsValidator.Validate(options with { Listeners = [.. Good.Listeners, ListenerFlag.Parse("http=/run/j.sock,proxy=json", errors)!] }), Is.Empty, "these have bodies");
    }

    [TestCase("http:h.sock", true)]
    [TestCase("native:n.sock", false)]
    public void AgentThatNeedsBodies_IsBehindTheListenersOfItsRoutes(string listener, bool isRefused)
    {
        var errors = new List<string>();
        var options = Good with
        {
            Agents = [AgentFlag.Parse("waf=/run/waf.sock,events=request-body", errors)!],
            Listeners = [ListenerFlag.Parse("native=/run/n.sock", errors)!, ListenerFlag.Parse("http=/run/h.sock,proxy=nginx", errors)!],
            Routes = [RouteFlag.Parse($"r,agents=waf,listener={listener}", errors)!],
        };
        Assert.That(errors, Is.Empty);
        Assert.That(OptionsValidator.Validate(options), isRefused ? Has.Exactly(1).Contains("agent waf needs bodies") : Is.Empty);
    }

    [TestCaseSource(nameof(Mistakes))]
    public void Mistake_IsNamedOnce(object options, string expected)
    {
        var errors = OptionsValidator.Validate((ConfigurationSnapshot)options);
        Assert.That(errors, Has.Count.EqualTo(1));
        Assert.That(errors[0], Does.Contain(expected));
    }

    [Test]
    public void AllMistakes_AreReportedAtOnce()
    {
        var bad = new ConfigurationSnapshot { Routes = [Route("r", "x"), Route("r", "y")] };
        Assert.That(OptionsValidator.Validate(bad), Has.Count.EqualTo(4));
    }

    private static PoolOptions Backoff(int? min = null, int? max = null) => new()
    {
        Values = SettingValues.Empty
            .With(CallSettings.ReconnectMin, min is { } least ? TimeSpan.FromSeconds(least) : null)
            .With(CallSettings.ReconnectMax, max is { } most ? TimeSpan.FromSeconds(most) : null),
    };

    private static TestCaseData Case(string name, ConfigurationSnapshot options, string expected) =>
        new TestCaseData(options, expected).SetArgDisplayNames(name);

    private static RouteOptions Route(string id, params string[] agents) =>
        new() { Id = id, Stages = [[.. agents.Select(static agent => new RouteAgentOptions(agent, null))]] };
}
