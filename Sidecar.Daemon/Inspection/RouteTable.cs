using System.Buffers;

namespace Sidecar.Daemon.Inspection;

/// <summary>Finds the route of a request. Immutable, but for a cache of combined routes; safe for any number of threads.</summary>
/// <remarks>
/// The first route in configuration order wins: what the operator sees in the file is what happens, nothing is ranked behind his back.
/// The client chooses the bytes of the path, and servers differ in how they read some of them, so a path that looks harmless here could be
/// another one upstream (rule 9). The path is therefore matched as it came, in the standard reading, and in every reading that a server may
/// have of it (<see cref="PathReading"/>; 64 at most, and none for a path without odd characters). Where these give different routes,
/// the agents of all of them inspect the request. What becomes of requests that no route takes is the last route of all in this respect: a path
/// that no route takes in one of its readings is refused where such requests are.
/// </remarks>
internal sealed class RouteTable
{
    private const int StackLimit = 512;

    private readonly RouteModel[] _all;
    private readonly RouteEntry[] _entries;
    private readonly RouteCombiner _combiner;
    private readonly bool _looksAtPath;
    private readonly PathReading _alwaysTried;

    /// <summary>A table of routes, the first match first, that refuses what none takes.</summary>
    public RouteTable(IReadOnlyList<RouteModel> routes)
        : this(routes, RouteModel.Refusing)
    {
    }

    /// <summary>A table of routes, the first match first.</summary>
    /// <param name="routes">The routes.</param>
    /// <param name="unmatched">What takes the requests that none of them does; null lets them pass.</param>
    public RouteTable(IReadOnlyList<RouteModel> routes, RouteModel? unmatched)
    {
        ArgumentNullException.ThrowIfNull(routes);
        Routes = [.. routes];
        _all = unmatched is null ? [.. routes] : [.. routes, unmatched];
        _entries = [.. _all.Select(route => new RouteEntry(route))];
        _combiner = new RouteCombiner(_all);
        _looksAtPath = _entries.Any(entry => entry.HasPath);

        // A prefix that is written with escapes must be met by a client that writes none.
        _alwaysTried = _entries.Any(entry => entry.HasEscapedPath) ? PathReading.EscapesDecoded : PathReading.Standard;
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
        ArgumentNullException.ThrowIfNull(rawTarget);
        ArgumentNullException.ThrowIfNull(method);
        var name = HostName.Of(host);
        var raw = PathNormalizer.RawPath(rawTarget.AsSpan());
        var found = Find(name, raw, method, isDecoded: false);
        if (!_looksAtPath || IsRefused(found))
        {
            return found < 0 ? null : _all[found];
        }

        var needed = PathNormalizer.BufferFor(raw);
        char[]? rented = null;
        var buffer = needed <= StackLimit ? stackalloc char[StackLimit] : (rented = ArrayPool<char>.Shared.Rent(needed));
        var result = MatchReadings(name, raw, method, found, buffer);
        if (rented is not null)
        {
            ArrayPool<char>.Shared.Return(rented);
        }

        return result;
    }

    private RouteModel? MatchReadings(ReadOnlySpan<char> name, ReadOnlySpan<char> raw, string method, int found, Span<char> buffer)
    {
        SortedSet<int>? several = null;
        var differences = PathNormalizer.Differences(raw) | _alwaysTried;

        // Every subset of the differences, the standard reading first.
        var reading = PathReading.Standard;
        do
        {
            var path = PathNormalizer.Normalize(raw, reading, buffer);
            var isDecoded = (reading & PathReading.EscapesDecoded) != 0;
            var isSame = !isDecoded && path == raw;
            var other = isSame ? found : Find(name, path, method, isDecoded);
            if (IsRefused(other))
            {
                return _all[other];
            }

            if (other >= 0 && other != found)
            {
                if (found >= 0)
                {
                    (several ??= [found]).Add(other);
                }
                else
                {
                    found = other;
                }
            }

            reading = (PathReading)(((int)reading - (int)differences) & (int)differences);
        }
        while (reading != PathReading.Standard);

        return several is not null ? _combiner.Combine(several) : found < 0 ? null : _all[found];
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
