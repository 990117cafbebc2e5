using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Storm;

/// <summary>
/// Configurations that differ from one another in one random respect. Agent <c>keep</c> and the first listener never change; all else comes, changes and goes.
/// </summary>
internal sealed class RandomModels
{
    /// <summary>Agents listen at this many places.</summary>
    public const int Places = 6;

    /// <summary>The agent that stays as it is.</summary>
    public const string Keep = "keep";

    private static readonly PoolOptions Patient = Snapshots.Quick
        .With(CallSettings.CallsPerConnection, 256)
        .With(CallSettings.Queue, 256)
        .With(CallSettings.QueueWait, TimeSpan.FromSeconds(30))
        .With(AgentSettings.DrainTimeout, TimeSpan.FromSeconds(5));

    private readonly Random _random;
    private readonly TempDirectory _directory;

    public RandomModels(Random random, TempDirectory directory)
    {
        (_random, _directory) = (random, directory);
        First = new ConfigurationSnapshot
        {
            Agents = [Agent(Keep, [Places - 1]), Agent("a0", [0])],
            Routes = [Route("r0", "/r0", "a0"), Route("rest", null, Keep)],
            Listeners = [new ListenerOptions { Kind = ListenerKind.Native, Path = directory.Socket("first.sock"), Budget = TimeSpan.FromMinutes(1) }, Http(0)],
            DrainTimeout = TimeSpan.FromSeconds(5),
            ExchangeExpiry = TimeSpan.FromMinutes(1),
        };
    }

    /// <summary>What everything begins with, and ends with.</summary>
    public ConfigurationSnapshot First { get; }

    /// <summary>Where an agent listens.</summary>
    public string PlaceOf(int number) => _directory.Socket($"agent{number}");

    /// <summary>The next configuration, and what makes it different.</summary>
    public (string Change, ConfigurationSnapshot Next) Next(ConfigurationSnapshot now)
    {
        while (true)
        {
            var (change, next) = Change(now);
            if (next is not null)
            {
                return (change, next);
            }
        }
    }

    private (string Change, ConfigurationSnapshot? Next) Change(ConfigurationSnapshot now)
    {
        var agents = now.Agents.Where(static agent => agent.Id != Keep).ToList();
        var any = agents.Count > 0 ? agents[_random.Next(agents.Count)] : null;
        switch (_random.Next(9))
        {
            case 0:
                var id = $"a{_random.Next(5)}";
                return ("add an agent", agents.Exists(agent => agent.Id == id) ? null
                    : now with { Agents = [.. now.Agents, Agent(id, Endpoints())], Routes = Routed(now.Routes, $"r{_random.Next(5)}", id) });
            case 1:
                return ("remove an agent", any is null ? null
                    : now with { Agents = [.. now.Agents.Where(agent => agent != any)], Routes = Without(now.Routes, any.Id) });
            case 2:
                return ("move an agent", any is null ? null : With(now, any, any with { Endpoints = At(Endpoints()), Versions = [] }));
            case 3:
                return ("change limits of an agent", any is null ? null : With(now, any, any with { Pool = Limits(any.Pool) }));
            case 4:
                return ("give an agent versions", any is null ? null : With(now, any, any with { Versions = Versions(any) }));
            case 5:
                var names = now.Agents.Select(static agent => agent.Id).ToArray();
                return ("change a route", now with { Routes = Routed(now.Routes, $"r{_random.Next(5)}", names[_random.Next(names.Length)]) });
            case 6:
                return ("remove a route", now.Routes.Count < 2 ? null
                    : now with { Routes = [.. now.Routes.Where((route, i) => i != 0)] });
            case 7:
                return ("change limits of all", now with
                {
                    MaxExchanges = _random.Next(10_000, 50_000),
                    BodyMemory = _random.NextInt64(64, 512) * 1024 * 1024,
                    Pool = now.Pool.With(CallSettings.HealthInterval, TimeSpan.FromSeconds(_random.Next(10, 60))),
                });
            default:
                return ("change listeners", now with { Listeners = Listeners(now.Listeners) });
        }
    }

    private IReadOnlyList<ListenerOptions> Listeners(IReadOnlyList<ListenerOptions> now)
    {
        var others = now.Skip(1).ToList();
        switch (_random.Next(3))
        {
            case 0 when others.Count < 3:
                others.Add(Enumerable.Range(0, 4).Select(Http).First(http => others.TrueForAll(other => other.Place != http.Place)));
                break;
            case 1 when others.Count > 1:
                others.RemoveAt(_random.Next(others.Count));
                break;
            default:
                var changed = _random.Next(others.Count);
                others[changed] = others[changed] with { Budget = TimeSpan.FromSeconds(_random.Next(30, 90)) };
                break;
        }

        return [now[0], .. others];
    }

    private ListenerOptions Http(int number) => new()
    {
        Kind = ListenerKind.Http,
        Proxy = ProxyKind.Json,
        Path = _directory.Socket($"http{number}.sock"),
        Budget = TimeSpan.FromMinutes(1),
    };

    private IReadOnlyList<VersionOptions> Versions(AgentOptions agent) =>
        agent.Versions.Count == 0 || _random.Next(3) == 0
            ? [new VersionOptions("blue", agent.Endpoints, _random.Next(1, 100)), new VersionOptions("green", At(Endpoints()), _random.Next(0, 100))]
            : [.. agent.Versions.Select((version, i) => version with { Weight = _random.Next(i == 0 ? 1 : 0, 100) })];

    private PoolOptions Limits(PoolOptions pool)
    {
        var strategies = Enum.GetValues<SelectionStrategy>();
        var limits = pool.With(CallSettings.Connections, _random.Next(1, 5))
            .With(CallSettings.Queue, _random.Next(128, 512))
            .With(CallSettings.StickySessions, _random.Next(10, 1000))
            .With(CallSettings.BreakerWindow, TimeSpan.FromSeconds(_random.Next(1, 20)))
            .With(CallSettings.Strategy, strategies[_random.Next(strategies.Length)]);
        return _random.Next(4) == 0 ? limits.With(CallSettings.CallsPerConnection, _random.Next(64, 512)) : limits;
    }

    private int[] Endpoints() => [.. Enumerable.Range(0, Places).OrderBy(_ => _random.Next()).Take(_random.Next(1, 3))];

    private List<AgentEndpoint> At(int[] places) => [.. places.Select(place => (AgentEndpoint)new AgentEndpoint.Unix(PlaceOf(place)))];

    private AgentOptions Agent(string id, int[] places)
    {
        var policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Events = EventSet.RequestHeaders | EventSet.RequestComplete };
        return Snapshots.Agent(id, PlaceOf(places[0]), policy, Patient) with { Endpoints = At(places) };
    }

    private static ConfigurationSnapshot With(ConfigurationSnapshot now, AgentOptions before, AgentOptions after) =>
        now with { Agents = [.. now.Agents.Select(agent => agent == before ? after : agent)] };

    private static RouteOptions Route(string id, string? prefix, string agent) =>
        new() { Id = id, PathPrefix = prefix, Stages = [[new RouteAgentOptions(agent, null)]], Sticky = id is "r1" or "r2" ? StickyOptions.Parse("header:x-session") : null };

    private static IReadOnlyList<RouteOptions> Routed(IReadOnlyList<RouteOptions> routes, string id, string agent) =>
        [Route(id, "/" + id, agent), .. routes.Where(route => route.Id != id)];

    private static IReadOnlyList<RouteOptions> Without(IReadOnlyList<RouteOptions> routes, string agent) =>
        [.. routes.Where(route => route.Stages[0][0].Agent != agent)];
}
