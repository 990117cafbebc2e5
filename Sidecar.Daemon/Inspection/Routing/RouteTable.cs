
namespace Sidecar.Daemon.Inspection.Routing;

/// <summary>Finds the route of a request. Immutable, but for a cache of combined routes; safe for any number of threads.</summary>
/// <remarks>
/// The first route in configuration order wins: what the operator sees in the file is what happens, nothing is ranked behind his back.
/// The client chooses the bytes of the path, and servers differ in how they read some of them, so a path that looks harmless here could be
/// another one upstream (rule 9). The path is therefore matched in every reading that servers may have of it
/// (<see cref="PathInterpretations"/>; a path without odd characters has one). Where these give different routes, the agents of all of them
/// inspect the request; of a path that can be read in too many ways, those of every route for its host, method and listener. What becomes of requests
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

        // A path that is written with escapes must be met by a client that writes none.
        _hasEscapedPath = _entries.Any(entry => entry.HasEscapedPath);
    }

    /// <summary>The routes as configured.</summary>
    public IReadOnlyList<RouteModel> Routes { get; }

    /// <summary>The route of a request; null when none takes it and such requests pass.</summary>
    /// <param name="host">The host the proxy routes by, port allowed; null when the request has none.</param>
    /// <param name="rawTarget">The request target byte for byte, in any form.</param>
    /// <param name="method">The method as it stands in the request.</param>
    /// <param name="listener">The name of the listener that it came to; empty for none.</param>
    /// <returns>A configured route, one that refuses, or one with the agents of several whose id is theirs joined by <c>+</c>.</returns>
    public RouteModel? Match(string? host, string rawTarget, string method, string listener = "")
    {
        var name = HostName.Of(host);
        var raw = PathNormalizer.RawPath(rawTarget.AsSpan());
        if (_looksAtPath && (_hasEscapedPath || !PathSteps.LeaveAlone(raw)))
        {
            return MatchReadings(name, raw, method, listener);
        }

        var found = Find(name, raw, method, listener, isDecoded: false);
        return found < 0 ? null : _all[found];
    }

    private RouteModel? MatchReadings(ReadOnlySpan<char> name, ReadOnlySpan<char> raw, string method, string listener)
    {
        var found = -1;
        SortedSet<int>? several = null;
        using var readings = new PathInterpretations(raw, _hasEscapedPath);
        while (readings.MoveNext())
        {
            var other = Find(name, readings.Current, method, listener, readings.IsDecoded);
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
                if (_entries[i].TakesAllButPath(name, method, listener))
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

    private int Find(ReadOnlySpan<char> name, ReadOnlySpan<char> path, string method, string listener, bool isDecoded)
    {
        for (var i = 0; i < _entries.Length; i++)
        {
            if (_entries[i].TakesPath(path, isDecoded) && _entries[i].TakesAllButPath(name, method, listener))
            {
                return i;
            }
        }

        return -1;
    }
}
