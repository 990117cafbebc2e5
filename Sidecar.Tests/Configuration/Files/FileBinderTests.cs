using System.Net;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Protocol.Messages;
using static Sidecar.Tests.Configuration.Files.ConfigurationText;

namespace Sidecar.Tests.Configuration.Files;

/// <summary>What stands in a file becomes the configuration it says.</summary>
internal sealed class FileBinderTests
{
    private const string Site = """
        version: 1
        unmatched: {inspect: [waf]}
        defaults:
          timeout: 50ms
          pool: {connections: 2, calls: 250, queue: 7, queue_wait: 10ms}
          breaker: {error_rate: 40%, min_calls: 200, window: 11s, open: 3s}
        listeners:
          nginx: {for: nginx, socket: run/http.sock, group: www-data, mode: 0600, budget: 300ms, headers: {set: [X-User], edit: [], response: X-A}}
          haproxy: {for: haproxy, socket: "abns:sidecar", response: off}
          envoy: {for: envoy, socket: /run/envoy.sock, allow_mode_override: true}
          traefik: {for: traefik, address: 127.0.0.1:9000, secret_file: t.secret}
        agents:
          auth: {at: unix:auth.sock, timeout: 60ms, events: [request-headers, response_headers]}
          waf:
            at: [/run/waf/1.sock, grpc-unix:2.sock]
            body: {request: {mode: "hybrid:8KiB", max: 128KiB}, response: {max: none}, on_excess: partial, required: no}
            event_timeout: {guardrail: 2s, request_body: 300ms}
            failure_mode: open
          guard: {at: https://guard.int:8443, mode: monitor, tls: {server_name: guard}}
        routes:
        - {name: static, match: {host: Shop.example, path_prefix: /assets/, path_case: insensitive}, inspect: none}
        - name: checkout
          match: {host: [shop.example, www.shop.example], method: [GET, POST]}
          inspect: [auth, [waf, {guard: off}]]
          priority: critical
          sticky: {cookie: sid}
          failure_mode: {default: closed, overload: open, agent_absent: closed}
        - {name: site, match: any, inspect: waf, sticky: client-address, unapplied: ignore}
        limits: {exchanges: 400, exchange_expiry: 31s, body_memory: 1GiB}
        process: {drain_timeout: 9s, metrics_prefix: s, wait_for_agents: yes, reply_key: reply.key}
        """;

    [Test]
    public void Site_IsReadAsItSays()
    {
        var reading = Read(Site);
        Assert.That(reading.Errors, Is.Empty);
        var site = reading.Snapshot!;
        var listeners = site.Listeners.ToDictionary(static one => one.Name, StringComparer.Ordinal);
        var agents = site.Agents.ToDictionary(static one => one.Id, StringComparer.Ordinal);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((listeners["nginx"].Path, listeners["nginx"].Proxy, listeners["nginx"].Group),
                Is.EqualTo(("/etc/run/http.sock", ProxyKind.Nginx, "www-data")));
            Assert.That((listeners["nginx"].Mode, listeners["nginx"].Budget),
                Is.EqualTo((UnixFileMode.UserRead | UnixFileMode.UserWrite, TimeSpan.FromMilliseconds(300))));
            Assert.That((listeners["nginx"].SetHeaders, listeners["nginx"].EditHeaders, listeners["nginx"].ResponseHeaders),
                Is.EqualTo((new[] { "X-User" }, Array.Empty<string>(), new[] { "X-A" })));
            Assert.That((listeners["haproxy"].Kind, listeners["haproxy"].AbstractName, listeners["haproxy"].Spop.HasResponsePhase),
                Is.EqualTo((ListenerKind.Spop, "sidecar", false)));
            Assert.That((listeners["envoy"].Kind, listeners["envoy"].Envoy.AllowsModeOverride),
                Is.EqualTo((ListenerKind.Envoy, true)));
            Assert.That((listeners["traefik"].Address, listeners["traefik"].SecretFile),
                Is.EqualTo((new IPEndPoint(IPAddress.Loopback, 9000), "/etc/t.secret")));

            Assert.That(agents["auth"].Endpoints,
                Is.EqualTo(new[] { new AgentEndpoint.Unix("/etc/auth.sock") }));
            Assert.That((agents["auth"].Events, agents["auth"].Pool.Get(CallSettings.BodyTimeout)),
                Is.EqualTo((EventSet.RequestHeaders | EventSet.ResponseHeaders, TimeSpan.FromMilliseconds(60))));
            Assert.That(agents["waf"].Endpoints,
                Is.EqualTo(new AgentEndpoint[] { new AgentEndpoint.Unix("/run/waf/1.sock"), new AgentEndpoint.GrpcUnix("/etc/2.sock") }));
            Assert.That((agents["waf"].Body.Request, agents["waf"].Body.MaxRequestBytes, agents["waf"].Body.MaxResponseBytes),
                Is.EqualTo((new BodyShape(BodyMode.Hybrid, 8192), 131_072L, long.MaxValue)));
            Assert.That((agents["waf"].Body.OnExcess, agents["waf"].Body.IsOptional, agents["waf"].OnFailure),
                Is.EqualTo((ExcessAction.Partial, true, (FailureOptions)FailureMode.Open)));
            Assert.That(agents["waf"].Pool.Get(CallSettings.EventTimeouts), Has.Count.EqualTo(2));
            Assert.That((agents["guard"].Mode, agents["guard"].Tls!.ServerName),
                Is.EqualTo((AgentMode.Monitor, "guard")));

            Assert.That(site.Routes.Select(static route => route.Id),
                Is.EqualTo(new[] { "static", "checkout", "site" }));
            Assert.That((site.Routes[0].Hosts, site.Routes[0].PathPrefix, site.Routes[0].IgnoresCase, site.Routes[0].Stages.Count),
                Is.EqualTo((new[] { "shop.example" }, "/assets/", true, 0)));
            Assert.That(RouteSettings.Agents.Write(site.Routes[1].Stages),
                Is.EqualTo("auth>waf+guard:off"));
            Assert.That((site.Routes[1].Methods, site.Routes[1].Priority, site.Routes[1].Sticky),
                Is.EqualTo((new[] { "GET", "POST" }, Priority.Critical, new StickyOptions(StickySource.Cookie, "sid"))));
            Assert.That((site.Routes[1].OnFailure?.ToString(), site.Routes[2].OnFailure),
                Is.EqualTo(("default:closed+overload:open+agent-absent:closed", (FailureOptions?)null)));
            Assert.That((site.Routes[2].Sticky, site.Routes[2].RefusesUnapplied),
                Is.EqualTo((new StickyOptions(StickySource.ClientAddress), false)));
            Assert.That(DaemonSettings.Unmatched.Write(site.Unmatched),
                Is.EqualTo("inspect:waf"));

            Assert.That((site.MaxExchanges, site.ExchangeExpiry, site.BodyMemory),
                Is.EqualTo((400, TimeSpan.FromSeconds(31), 1L << 30)));
            Assert.That((site.DrainTimeout, site.MetricsPrefix, site.WaitForAgents, site.ReplyKeyFile),
                Is.EqualTo((TimeSpan.FromSeconds(9), "s", true, "/etc/reply.key")));
            Assert.That((site.Pool.Connections, site.Get(CallSettings.BreakerRate), site.Get(CallSettings.HeaderTimeout)),
                Is.EqualTo((2, 40, TimeSpan.FromMilliseconds(50))));
        }
    }

    [TestCase("agents: {a: {at: /a, timout: 1s}}", "7:22", "'timout' is none of the keys here; did you mean timeout?")]
    [TestCase("limit: {exchanges: 1}", "4:1", "'limit' is none of the keys here; did you mean limits?")]
    [TestCase("limits: {exchanges: none}", "4:21", "limits.exchanges: none is not a whole number; give 1 to 10000000 exchanges")]
    [TestCase("limits: {exchanges: }", "4:21", "limits.exchanges: has no value; write limits.exchanges: N")]
    [TestCase("limits: {exchanges: [1]}", "4:21", "limits.exchanges: here stands a list; write limits.exchanges: N")]
    [TestCase("limits: 7", "4:9", "here stands one value; write keys with values: body_memory, exchange_expiry, exchanges")]
    [TestCase("defaults: {timeout: 900}", "4:21", "timeout: 900 is not a duration above zero")]
    [TestCase("defaults: {timeout: ''}", "4:21", "timeout: is empty; leave it out")]
    [TestCase("defaults: {breaker: {error_rate: 50}}", "4:34", "breaker.error_rate: 50 has no unit; write 0% to 100%")]
    [TestCase("defaults: {breaker: {error_rate: 101%}}", "4:34", "breaker.error_rate: 101 is above 100")]
    [TestCase("defaults: {queue: 7}", "4:12", "'queue' is none of the keys here")]
    [TestCase("defaults: {at: /x}", "4:12", "'at' is none of the keys here")]
    [TestCase("process: {takeover: yes}", "4:11", "'takeover' is none of the keys here")]
    [TestCase("process: {wait_for_agents: ye}", "4:28", "process.wait_for_agents: ye is none of yes, no, true, false, on, off")]
    [TestCase("unmatched: open\nroutes: [{name: r, match: any, inspect: waf}]", "4:12", "unmatched: write refuse, pass, or inspect:")]
    [TestCase("unmatched: pass", "4:12", "unmatched (pass) is about requests that no route takes")]
    [TestCase("routes: [{match: any, inspect: waf}]", "4:10", "a route has a name")]
    [TestCase("routes: [{name: r, inspect: waf}]", "4:10", "route r: does not say which requests it takes; write match: any")]
    [TestCase("routes: [{name: r, match: any}]", "4:10", "route r: does not say whom it asks; write inspect:")]
    [TestCase("routes: [{name: r, match: any, inspect: []}]", "4:41", "inspect: here stands an empty list; write none, or a list of agents")]
    [TestCase("routes: [{name: r, match: any, inspect: }]", "4:41", "inspect: here stands no value")]
    [TestCase("routes: [{name: r, match: any, inspect: [wafe]}]", "4:10", "route r names agent wafe, which is not defined; defined are: waf; did you mean waf?")]
    [TestCase("routes: [{name: r, match: any, inspect: [{waf: monitr}]}]", "4:48", "inspect: mode monitr is none of enforce, monitor, off; did you mean monitor?")]
    [TestCase("routes: [{name: r, match: any, inspect: [[[waf]]]}]", "4:43", "inspect: here stands a list; write an agent's name")]
    [TestCase("routes: [{name: r, match: {}, inspect: waf}]", "4:27", "match: here stands no condition; write match: any")]
    [TestCase("routes: [{name: r, match: {host: a.example+b.example}, inspect: waf}]", "4:34", "match.host: a.example+b.example is no host; write a list, [a.example, b.example]")]
    [TestCase("routes: [{name: r, match: {host: [a.example, 'b c']}, inspect: waf}]", "4:46", "match.host: b c is no host")]
    [TestCase("routes: [{name: r, match: {host: []}, inspect: waf}]", "4:34", "match.host: the list is empty; leave match.host out")]
    [TestCase("routes: [{name: r, match: any, inspect: waf, sticky: {cookie: a, header: b}}]", "4:54", "sticky: has 2 values and takes one")]
    [TestCase("routes: [{name: r, match: any, inspect: waf}, {name: r, match: any, inspect: waf}]", "4:47", "route r is given twice; it stands at /etc/s.yaml:4:10, too")]
    [TestCase("routes: [{name: r, match: any, inspect: waf, failure_mode: {overlod: open}}]", "4:60", "failure_mode: overlod is neither default nor a phase")]
    [TestCase("routes: [{name: r, match: {listener: [m]}, inspect: waf}]", "4:10", "route r takes the requests of listener m, which is not defined; defined are: n")]
    [TestCase("routes: [{name: r, match: {path: /a, path_prefix: /b}, inspect: waf}]", "4:10", "route r takes the one path /a and the paths that begin with /b; write one of both")]
    [TestCase("routes: {r: {match: any}}", "4:9", "routes: here stands keys with values; the order of routes counts")]
    [TestCase("agents: {a: {timeout: 1s}}", "7:10", "agent a: does not say where it is; write at:")]
    [TestCase("agents: {a: }", "7:10", "agent a: does not say where it is; write at:")]
    [TestCase("agents: {a: {at: [/a, tcp://x]}}", "7:23", "at: endpoint tcp://x is none that can be dialled")]
    [TestCase("agents: {a: {at: [/a, /a]}}", "7:10", "agent a: endpoint /a is given 2 times")]
    [TestCase("agents: {a: {at: /a, tls: {ca: /nope}}}", "7:32", "tls.ca: /nope is no file")]
    [TestCase("agents: {a b: {at: /a}}", "7:10", "agents: the name 'a b' may have 1 to 64 letters")]
    [TestCase("agents: {a: {at: /a, events: [request-headers, request-header]}}", "7:48", "events: event request-header is none of")]
    [TestCase("listeners: {l: {socket: /l}}", "7:13", "listener l does not say for whom it is; write for: and one of nginx, haproxy")]
    [TestCase("listeners: {l: {for: ngin, socket: /l}}", "7:22", "for: ngin is none of nginx, haproxy, envoy, envoy-http, caddy, traefik, json, frames, native, admin, reverse; did you mean nginx?")]
    [TestCase("listeners: {l: {for: nginx}}", "7:13", "listener l: does not say where it listens; write socket: /run/sidecar/l.sock")]
    [TestCase("listeners: {l: {for: nginx, address: 127.0.0.1:1}}", "7:29", "address is of listeners for traefik and envoy")]
    [TestCase("listeners: {l: {for: traefik, socket: /l}}", "7:13", "listener l: Traefik cannot ask over a Unix socket; write address: 127.0.0.1:PORT")]
    [TestCase("listeners: {l: {for: traefik, address: 10.0.0.1:1, secret_file: /s}}", "7:40", "address: 10.0.0.1:1 is no loopback address")]
    [TestCase("listeners: {l: {for: traefik, address: 127.0.0.1:1}}", "7:13", "listener l: a TCP listener needs secret_file: FILE")]
    [TestCase("listeners: {l: {for: nginx, socket: /l, path_prefix: /x}}", "7:54", "path_prefix: is of for: envoy-http")]
    [TestCase("listeners: {l: {for: admin, socket: /l, budget: 1s}}", "7:41", "'budget' is none of the keys here")]
    [TestCase("listeners: {l: {for: nginx, socket: 127.0.0.1:80}}", "7:37", "socket: 127.0.0.1:80 is a TCP address")]
    [TestCase("listeners: {l: {for: native, socket: /l, mode: 888}}", "7:48", "mode: 888 is not an octal file mode")]
    public void Mistake_IsNamedWhereItStands(string line, string place, string expected)
    {
        // What is there already must not be there twice.
        var isWhole = line.StartsWith("agents", StringComparison.Ordinal) || line.StartsWith("listeners", StringComparison.Ordinal);
        var text = !isWhole ? Good + line
            : line[0] == 'a' ? "version: 1\nlisteners: {n: {for: native, socket: /run/n.sock}}\n\n\n\n\n" + line
            : "version: 1\nagents: {waf: {at: /run/waf.sock}}\n\n\n\n\n" + line;
        Assert.That(Read(text).Errors, Has.Exactly(1).StartsWith($"/etc/s.yaml:{place}: {expected}"));
    }

    [Test]
    public void Mistakes_AreToldAllAtOnceInTheOrderOfTheirLines()
    {
        var reading = Read("version: 2\nlimits: {exchanges: x}\nlisteners: {l: {for: nginx, socket: /l, budget: 1}}\nagents: {a: {at: /a, mode: of}}\n");
        Assert.That(reading.Snapshot, Is.Null);
        Assert.That(reading.Errors.Select(static error => error.Split(':')[1]), Is.EqualTo(new[] { "1", "2", "3", "4" }));
    }

    [Test]
    public void FileWithoutVersion_IsRefused() =>
        Assert.That(Read("agents: {a: {at: /a}}").Errors, Has.Exactly(1).StartsWith("/etc/s.yaml:1:1: the file does not say how it is to be read; begin it with version: 1"));

    [Test]
    public void FileOfOneValue_IsRefused() => Assert.That(Read("hello").Errors[0], Does.StartWith("/etc/s.yaml:1:1: here stands one value; write keys with values: "));

    [Test]
    public void ManyErrors_AreCounted()
    {
        var reading = Read(Good + "limits: {" + string.Join(", ", Enumerable.Range(0, 300).Select(static n => $"k{n}: 1")) + "}");
        Assert.That(reading.Errors, Has.Count.EqualTo(101).And.Member("and 200 more errors, which are not shown"));
    }

    [Test]
    public void QuotedText_CannotWriteToTheTerminal() =>
        Assert.That(Read(Good + "\"a\\e[31m\\nb\": 1").Errors.Single(), Does.Contain(@"'a\u001b[31m\u000ab' is none of the keys here"));
}
