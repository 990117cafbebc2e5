namespace Sidecar.Daemon.Pooling;

/// <summary>Fills a connection that handles calls concurrently before the next is used; spreads calls over connections that handle one at a time.</summary>
/// <remarks>
/// Fewer, fuller connections write and read larger batches: round-robin over four connections carried 0.54 to 0.73 of the calls that one
/// carried. An agent that does not say that it works concurrently would queue behind itself, so its connections share the calls evenly.
/// Several endpoints are several processes, and filling one while the others idle would waste them: the one with the fewest calls in flight
/// is filled.
/// </remarks>
internal sealed class FillThenSpread : ISelectionPolicy
{
    public string Name => "fill-then-spread";

    public PooledConnection? Select(ReadOnlySpan<PooledConnection> candidates, PooledConnection? except)
    {
        PooledConnection? best = null;
        var endpoints = 1;
        foreach (var candidate in candidates)
        {
            endpoints = Math.Max(endpoints, candidate.Endpoint + 1);
        }

        var least = int.MaxValue;
        for (var endpoint = 0; endpoint < endpoints; endpoint++)
        {
            if (InEndpoint(candidates, endpoint, except, out var load) is { } found && load < least)
            {
                (best, least) = (found, load);
            }
        }

        return best;
    }

    // The load is that of the whole process, whichever of its connections is chosen.
    private static PooledConnection? InEndpoint(ReadOnlySpan<PooledConnection> candidates, int endpoint, PooledConnection? except, out int load)
    {
        PooledConnection? best = null;
        var bestInFlight = 0;
        load = 0;
        foreach (var candidate in candidates)
        {
            if (candidate.Endpoint != endpoint)
            {
                continue;
            }

            var inFlight = candidate.Connection.Stats.InFlight;
            load += inFlight;
            if (best is { Connection.Traits.IsConcurrent: true } || !candidate.CanTake(except))
            {
                continue;
            }

            if (best is null || candidate.Connection.Traits.IsConcurrent || inFlight < bestInFlight)
            {
                (best, bestInFlight) = (candidate, inFlight);
            }
        }

        return best;
    }
}
