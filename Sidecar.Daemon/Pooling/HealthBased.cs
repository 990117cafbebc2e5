namespace Sidecar.Daemon.Pooling;

/// <summary>The connection with the fewest errors and the least latency of late; among those that are about as good each in turn.</summary>
/// <remarks>Costs are compared in powers of two (<see cref="CallHistory.CostAt"/>): a finer scale would send everything to one connection.</remarks>
internal sealed class HealthBased(TimeProvider time) : ISelectionPolicy
{
    private readonly Turns _turns = new();

    public string Name => "health-based";

    public PooledConnection? Select(ReadOnlySpan<PooledConnection> candidates, PooledConnection? except)
    {
        PooledConnection? best = null;
        var least = int.MaxValue;
        var now = time.GetTimestamp();
        var start = _turns.Next(candidates.Length);
        for (var i = 0; i < candidates.Length; i++)
        {
            var candidate = candidates[(start + i) % candidates.Length];
            if (candidate.CanTake(except) && candidate.History.CostAt(now) is var cost && cost < least)
            {
                (best, least) = (candidate, cost);
            }
        }

        return best;
    }
}
