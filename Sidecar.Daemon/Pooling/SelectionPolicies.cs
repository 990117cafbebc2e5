using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Pooling;

/// <summary>The policies by the names that operators write.</summary>
internal static class SelectionPolicies
{
    /// <summary>A policy for one pool: policies that take turns keep count.</summary>
    /// <param name="strategy">Which.</param>
    /// <param name="time">The clock of the pool.</param>
    /// <param name="random">Must be safe from any thread, as <see cref="Random.Shared"/> is.</param>
    public static ISelectionPolicy Create(SelectionStrategy strategy, TimeProvider time, Random random) => strategy switch
    {
        SelectionStrategy.RoundRobin => new RoundRobin(),
        SelectionStrategy.LeastConnections => new LeastConnections(),
        SelectionStrategy.HealthBased => new HealthBased(time),
        SelectionStrategy.Random => new RandomChoice(random),
        SelectionStrategy.PowerOfTwo => new PowerOfTwo(random),
        _ => new FillThenSpread(),
    };
}

/// <summary>Chooses the connection for a new exchange.</summary>
/// <remarks>On the path of a call: no I/O, no wait, no lock that another thread may hold for long, nothing allocated. Safe from any thread.</remarks>
internal interface ISelectionPolicy
{
    /// <summary>The policy's name in the configuration.</summary>
    string Name { get; }

    /// <summary>One of the candidates that takes new exchanges and has room (<see cref="PooledConnection.CanTake"/>); null when there is none.</summary>
    /// <param name="candidates">All live connections of the agent.</param>
    /// <param name="except">A connection not to choose: the one that just failed. Null for none.</param>
    PooledConnection? Select(ReadOnlySpan<PooledConnection> candidates, PooledConnection? except);
}

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
            if (candidate.CanTake(except) && candidate.Connection.Stats.InFlight is var inFlight && inFlight < least)
            {
                (best, least) = (candidate, inFlight);
            }
        }

        return best;
    }
}

/// <summary>Of two different connections chosen at random, the one with fewer slots taken.</summary>
/// <param name="random">Must be safe from any thread, as <see cref="Random.Shared"/> is.</param>
internal sealed class PowerOfTwo(Random random) : ISelectionPolicy
{
    public string Name => "power-of-two";

    public PooledConnection? Select(ReadOnlySpan<PooledConnection> candidates, PooledConnection? except)
    {
        var count = candidates.CountThatTake(except);
        if (count < 2)
        {
            return candidates.ThatTakes(0, except);
        }

        // The second draw leaves out the first one's place, so that the two are never the same.
        var one = random.Next(count);
        var other = random.Next(count - 1);
        var first = candidates.ThatTakes(one, except);
        var second = candidates.ThatTakes(other >= one ? other + 1 : other, except);
        return first is null || second is null ? first ?? second
            : second.Connection.Stats.InFlight < first.Connection.Stats.InFlight ? second : first;
    }
}

/// <summary>Any connection that can be chosen, all alike.</summary>
/// <param name="random">Must be safe from any thread, as <see cref="Random.Shared"/> is.</param>
internal sealed class RandomChoice(Random random) : ISelectionPolicy
{
    public string Name => "random";

    public PooledConnection? Select(ReadOnlySpan<PooledConnection> candidates, PooledConnection? except) =>
        candidates.CountThatTake(except) is > 0 and var count ? candidates.ThatTakes(random.Next(count), except) : null;
}

/// <summary>Each connection that can be chosen, in turn.</summary>
internal sealed class RoundRobin : ISelectionPolicy
{
    private readonly Turns _turns = new();

    public string Name => "round-robin";

    public PooledConnection? Select(ReadOnlySpan<PooledConnection> candidates, PooledConnection? except) =>
        candidates.ThatTakes(_turns.Next(candidates.CountThatTake(except)), except);
}

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

/// <summary>Counts turns, so that connections that are alike are chosen one after the other. Safe from any thread.</summary>
internal sealed class Turns
{
    // The first turn is 0.
    private int _last = -1;

    /// <summary>The next turn, from 0 to below a number; 0 when that is 0.</summary>
    public int Next(int below) => below == 0 ? 0 : (int)((uint)Interlocked.Increment(ref _last) % (uint)below);
}
