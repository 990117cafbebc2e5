using System.Collections.Concurrent;

namespace Sidecar.Daemon.Inspection.Ledger;

/// <summary>How many exchanges came through each listener on each route, and how they ended, since the start. Safe from any thread.</summary>
/// <remarks>Bounded by what is configured: names of listeners, ids of routes. However many exchanges are open, reading takes as long.</remarks>
internal sealed class ExchangeCounts
{
    private static readonly int States = Enum.GetValues<LedgerState>().Length;

    private readonly ConcurrentDictionary<(string Listener, string Route), Row> _rows = new();

    /// <summary>An exchange has begun.</summary>
    public void Begun(string listener, string route) => Interlocked.Increment(ref RowOf(listener, route).Received);

    /// <summary>An exchange has ended.</summary>
    public void Ended(string listener, string route, LedgerState state) => Interlocked.Increment(ref RowOf(listener, route).Ended[(int)state]);

    /// <summary>All counts, by listener and route.</summary>
    public IReadOnlyList<ExchangeCount> Read() =>
        [.. _rows.OrderBy(static row => row.Key.Listener, StringComparer.Ordinal).ThenBy(static row => row.Key.Route, StringComparer.Ordinal)
            .Select(static row =>
        {
            // The ends first: one that begins and ends while we read must not make the number of open ones negative.
            long[] ended = [.. Enumerable.Range(0, States).Select(state => Volatile.Read(ref row.Value.Ended[state]))];
            return new ExchangeCount(row.Key.Listener, row.Key.Route, Volatile.Read(ref row.Value.Received), ended);
        })];

    private Row RowOf(string listener, string route) => _rows.GetOrAdd((listener, route), static _ => new Row());

    private sealed class Row
    {
        public readonly long[] Ended = new long[States];
        public long Received;
    }
}

/// <summary>The exchanges of one listener on one route.</summary>
/// <param name="Listener">The listener's name.</param>
/// <param name="Route">The route's id; <c>none</c> where no route took them.</param>
/// <param name="Received">All that have begun.</param>
/// <param name="Ended">Those that have ended, by the number of their state.</param>
internal sealed record ExchangeCount(string Listener, string Route, long Received, IReadOnlyList<long> Ended)
{
    /// <summary>Those that have not ended.</summary>
    public long Open => Received - Ended.Sum();

    /// <summary>Those that ended in a state.</summary>
    public long Of(LedgerState state) => Ended[(int)state];
}
