namespace Sidecar.Daemon.Pooling;

/// <summary>Each connection that can be chosen, in turn.</summary>
internal sealed class RoundRobin : ISelectionPolicy
{
    private readonly Turns _turns = new();

    public string Name => "round-robin";

    public PooledConnection? Select(ReadOnlySpan<PooledConnection> candidates, PooledConnection? except) =>
        candidates.ThatTakes(_turns.Next(candidates.CountThatTake(except)), except);
}
