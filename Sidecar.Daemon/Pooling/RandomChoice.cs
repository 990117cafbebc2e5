namespace Sidecar.Daemon.Pooling;

/// <summary>Any connection that can be chosen, all alike.</summary>
/// <param name="random">Must be safe from any thread, as <see cref="Random.Shared"/> is.</param>
internal sealed class RandomChoice(Random random) : ISelectionPolicy
{
    public string Name => "random";

    public PooledConnection? Select(ReadOnlySpan<PooledConnection> candidates, PooledConnection? except) =>
        candidates.CountThatTake(except) is > 0 and var count ? candidates.ThatTakes(random.Next(count), except) : null;
}
