using System.Collections.Concurrent;
using Sidecar.Daemon.Agents;

namespace Sidecar.Daemon.Inspection.Ledger;

/// <summary>One line of the ledger: the weightiest state so far, with its cause.</summary>
internal readonly record struct LedgerEntry(LedgerState State, Cause Cause)
{
    private static readonly string[] Labels = ["not-subject", "inspected", "abandoned", "refused", "partly", "bypassed"];

    /// <summary>The state's label value.</summary>
    public string Label => Labels[(int)State];

    /// <summary>
    /// This entry, or the other when it weighs more, or as much and says why; of why nobody is asked the last word counts.
    /// </summary>
    public LedgerEntry Or(LedgerEntry other) => other.State > State
        || (other.State == State && (Cause == Cause.None || (State == LedgerState.NotSubject && other.Cause != Cause.None))) ? other : this;
}

/// <summary>
/// How an exchange, or an agent's part in one direction of it, is accounted (rule 1). A greater state hides a lesser one.
/// </summary>
internal enum LedgerState : byte
{
    /// <summary>No agent was to be asked.</summary>
    NotSubject = 0,

    /// <summary>Everything that was to be inspected was.</summary>
    Inspected,

    /// <summary>Nobody wanted the verdict any more.</summary>
    Abandoned,

    /// <summary>It was refused because it could not be inspected.</summary>
    Refused,

    /// <summary>Some of its bytes were inspected.</summary>
    Partly,

    /// <summary>It passed uninspected.</summary>
    Bypassed,
}

/// <summary>The two halves of an exchange.</summary>
internal enum Direction
{
    /// <summary>From the client.</summary>
    Request,

    /// <summary>To the client.</summary>
    Response,
}

/// <summary>
/// How many exchanges came through each listener on each route, and how they ended, since the start. Safe from any thread.
/// </summary>
/// <remarks>
/// Bounded by what is configured: names of listeners, ids of routes. However many exchanges are open, reading takes as long.
/// </remarks>
internal sealed class ExchangeCounts
{
    private static readonly int States = Enum.GetValues<LedgerState>().Length;

    private readonly ConcurrentDictionary<(string Listener, string Route), Row> _rows = new();

    /// <summary>An exchange has begun.</summary>
    public void Begun(string listener, string route) => Interlocked.Increment(ref RowOf(listener, route).Received);

    /// <summary>An exchange has ended.</summary>
    public void Ended(string listener, string route, LedgerState state) =>
        Interlocked.Increment(ref RowOf(listener, route).Ended[(int)state]);

    /// <summary>All counts, by listener and route.</summary>
    public IReadOnlyList<ExchangeCount> Read() =>
    [
        .. _rows.OrderBy(static row => row.Key.Listener, StringComparer.Ordinal).ThenBy(static row => row.Key.Route, StringComparer.Ordinal)
            .Select(static row =>
            {
                // The ends first: one that begins and ends while we read must not make the number of open ones negative.
                long[] ended = [.. Enumerable.Range(0, States).Select(state => Volatile.Read(ref row.Value.Ended[state]))];
                return new ExchangeCount(row.Key.Listener, row.Key.Route, Volatile.Read(ref row.Value.Received), ended);
            }),
    ];

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
