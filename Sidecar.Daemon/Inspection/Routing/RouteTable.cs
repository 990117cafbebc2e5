using System.Collections.Concurrent;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Inspection.Routing;

/// <summary>Finds the route of a request. Immutable, but for a cache of combined routes; safe for any number of threads.</summary>
/// <remarks>
/// The first route in configuration order wins: what the operator sees in the file is what happens, nothing is ranked behind his back.
/// The client chooses the bytes of the path, and servers differ in how they read some of them, so a path that looks harmless here could be
/// another one upstream (rule 9). The path is therefore matched in every reading that servers may have of it
/// (<see cref="PathInterpretations"/>; a path without odd characters has one). Where these give different routes, the agents of all of them
/// inspect the request; of a path that can be read in too many ways, those of every route for its host and method. What becomes of requests
/// that no route takes is the last route of all in this respect: a path that no route takes in one of its readings is refused where such
/// requests are.
/// </remarks>
internal sealed class RouteTable
{
    private readonly RouteModel[] _all;
    private readonly RouteEntry[] _entries;
    private readonly RouteCombiner _combiner;
    private readonly bool _looksAtPath;
    private readonly bool _hasEscapedPath;

    /// <summary>A table of routes, the first match first, that refuses what none takes.</summary>
    public RouteTable(IReadOnlyList<RouteModel> routes) : this(routes, RouteModel.Refusing)
    {
    }

    /// <summary>A table of routes, the first match first.</summary>
    /// <param name="routes">The routes.</param>
    /// <param name="unmatched">What takes the requests that none of them does; null lets them pass.</param>
    public RouteTable(IReadOnlyList<RouteModel> routes, RouteModel? unmatched)
    {
        Routes = [.. routes];
        _all = unmatched is null ? [.. routes] : [.. routes, unmatched];
        _entries = [.. _all.Select(route => new RouteEntry(route))];
        _combiner = new RouteCombiner(_all);
        _looksAtPath = _entries.Any(entry => entry.HasPath);

        // A prefix that is written with escapes must be met by a client that writes none.
        _hasEscapedPath = _entries.Any(entry => entry.HasEscapedPath);
    }

    /// <summary>The routes as configured.</summary>
    public IReadOnlyList<RouteModel> Routes { get; }

    /// <summary>The route of a request; null when none takes it and such requests pass.</summary>
    /// <param name="host">The host the proxy routes by, port allowed; null when the request has none.</param>
    /// <param name="rawTarget">The request target byte for byte, in any form.</param>
    /// <param name="method">The method as it stands in the request.</param>
    /// <returns>A configured route, one that refuses, or one with the agents of several whose id is theirs joined by <c>+</c>.</returns>
    public RouteModel? Match(string? host, string rawTarget, string method)
    {
        var name = HostName.Of(host);
        var raw = PathNormalizer.RawPath(rawTarget.AsSpan());
        if (_looksAtPath && (_hasEscapedPath || !PathSteps.LeaveAlone(raw)))
        {
            return MatchReadings(name, raw, method);
        }

        var found = Find(name, raw, method, isDecoded: false);
        return found < 0 ? null : _all[found];
    }

    private RouteModel? MatchReadings(ReadOnlySpan<char> name, ReadOnlySpan<char> raw, string method)
    {
        var found = -1;
        SortedSet<int>? several = null;
        using var readings = new PathInterpretations(raw, _hasEscapedPath);
        while (readings.MoveNext())
        {
            var other = Find(name, readings.Current, method, readings.IsDecoded);
            if (IsRefused(other))
            {
                return _all[other];
            }

            Add(other, ref found, ref several);
        }

        if (readings.IsIncomplete)
        {
            // Behind a route that takes any path nothing is reached, however it is read.
            for (var (i, isLast) = (0, false); i < _entries.Length && !isLast; i++)
            {
                if (_entries[i].TakesHostAndMethod(name, method))
                {
                    if (IsRefused(i))
                    {
                        return _all[i];
                    }

                    Add(i, ref found, ref several);
                    isLast = !_entries[i].HasPath;
                }
            }
        }

        return several is not null ? _combiner.Combine(several) : found < 0 ? null : _all[found];
    }

    // Nearly always it is one and the same route.
    private static void Add(int other, ref int found, ref SortedSet<int>? several)
    {
        if (found < 0)
        {
            found = other;
        }
        else if (other >= 0 && other != found)
        {
            (several ??= [found]).Add(other);
        }
    }

    // One reading in which it is refused is enough, whatever routes take it in others.
    private bool IsRefused(int found) => found >= 0 && _all[found].Refuses;

    private int Find(ReadOnlySpan<char> name, ReadOnlySpan<char> path, string method, bool isDecoded)
    {
        for (var i = 0; i < _entries.Length; i++)
        {
            if (_entries[i].TakesPath(path, isDecoded) && _entries[i].TakesHostAndMethod(name, method))
            {
                return i;
            }
        }

        return -1;
    }
}

/// <summary>Makes one route of several, for requests that could belong to any of them. Safe for any number of threads.</summary>
/// <param name="routes">The routes of the table, in configuration order.</param>
internal sealed class RouteCombiner(IReadOnlyList<RouteModel> routes)
{
    /// <summary>How many combinations are kept. Clients choose which ones arise; beyond this they are built for each request.</summary>
    public const int MaxKept = 1024;

    private readonly ConcurrentDictionary<string, RouteModel> _kept = new(StringComparer.Ordinal);

    /// <summary>One route with the agents of all. The same routes give the same object, up to <see cref="MaxKept"/> of them.</summary>
    /// <param name="indexes">Which routes, at least one; their order decides the order of stages.</param>
    public RouteModel Combine(IReadOnlyCollection<int> indexes)
    {
        var key = string.Join('+', indexes);
        if (_kept.TryGetValue(key, out var known))
        {
            return known;
        }

        var combined = Build([.. indexes.Select(index => routes[index])]);

        // Requests that race here may pass the bound by as many as there are threads; that is bound enough.
        return _kept.Count < MaxKept ? _kept.GetOrAdd(key, combined) : combined;
    }

    private static RouteModel Build(IReadOnlyList<RouteModel> parts)
    {
        var policies = new Dictionary<AgentState, AgentPolicy>();
        foreach (var agent in parts.SelectMany(part => part.Stages).SelectMany(stage => stage))
        {
            policies[agent.Agent] = policies.TryGetValue(agent.Agent, out var policy) ? Stricter(policy, agent.Policy) : agent.Policy;
        }

        var stages = new List<IReadOnlyList<RouteAgent>>();
        foreach (var stage in parts.SelectMany(part => part.Stages))
        {
            // An agent is asked once, where it comes first.
            RouteAgent[] first =
            [
                .. stage
                    .Where(agent => policies.ContainsKey(agent.Agent))
                    .DistinctBy(agent => agent.Agent)
                    .Select(agent => agent with { Policy = policies[agent.Agent] }),
            ];
            if (first.Length > 0)
            {
                stages.Add(first);
                Array.ForEach(first, agent => policies.Remove(agent.Agent));
            }
        }

        return new RouteModel
        {
            Id = string.Join('+', parts.Select(part => part.Id)),
            Stages = stages,
            RefusesUnapplied = parts.Any(part => part.RefusesUnapplied),
        };
    }

    // Where both routes name the agent, the client must not win the milder treatment by an odd path.
    private static AgentPolicy Stricter(AgentPolicy one, AgentPolicy other)
    {
        if (one.Mode != other.Mode)
        {
            return one.Mode < other.Mode ? one : other;
        }

        return one with
        {
            FailureMode = one.FailureMode == FailureMode.Closed ? FailureMode.Closed : other.FailureMode,
            Events = one.Events | other.Events,
            HeaderTimeout = Max(one.HeaderTimeout, other.HeaderTimeout),
            BodyTimeout = Max(one.BodyTimeout, other.BodyTimeout),
        };
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
