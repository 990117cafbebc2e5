namespace Sidecar.Daemon.Pooling;

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
            : second.Connection.InFlight < first.Connection.InFlight ? second : first;
    }
}
