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
