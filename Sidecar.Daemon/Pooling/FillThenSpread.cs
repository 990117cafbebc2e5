namespace Sidecar.Daemon.Pooling;

/// <summary>Fills a connection that handles calls concurrently before the next is used; spreads calls over connections that handle one at a time.</summary>
/// <remarks>
/// Fewer, fuller connections write and read larger batches: round-robin over four connections carried 0.54 to 0.73 of the calls that one
/// carried. An agent that does not say that it works concurrently would queue behind itself, so its connections share the calls evenly.
/// </remarks>
internal sealed class FillThenSpread : ISelectionPolicy
{
    public string Name => "fill-then-spread";

    public PooledConnection? Select(ReadOnlySpan<PooledConnection> candidates, PooledConnection? except)
    {
        PooledConnection? best = null;
        foreach (var candidate in candidates)
        {
            if (candidate == except || !candidate.TakesNew || candidate.Room <= 0)
            {
                continue;
            }

            if (candidate.Connection.Traits.IsConcurrent)
            {
                return candidate;
            }

            if (best is null || candidate.Connection.InFlight < best.Connection.InFlight)
            {
                best = candidate;
            }
        }

        return best;
    }
}
