namespace Sidecar.Daemon.Pooling;

/// <summary>The connection with the fewest slots taken; among equals each in turn, so that idle connections share.</summary>
internal sealed class LeastConnections : ISelectionPolicy
{
    private readonly Turns _turns = new();

    public string Name => "least-connections";

    public PooledConnection? Select(ReadOnlySpan<PooledConnection> candidates, PooledConnection? except)
    {
        PooledConnection? best = null;
        var least = int.MaxValue;
        var start = _turns.Next(candidates.Length);
        for (var i = 0; i < candidates.Length; i++)
        {
            var candidate = candidates[(start + i) % candidates.Length];
            if (candidate.CanTake(except) && candidate.Connection.InFlight is var inFlight && inFlight < least)
            {
                (best, least) = (candidate, inFlight);
            }
        }

        return best;
    }
}
