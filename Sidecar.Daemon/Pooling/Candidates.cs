namespace Sidecar.Daemon.Pooling;

/// <summary>What several policies do with candidates: count those that can be chosen, and find one by its number. Nothing is allocated.</summary>
internal static class Candidates
{
    /// <summary>How many can be chosen now.</summary>
    public static int CountThatTake(this ReadOnlySpan<PooledConnection> candidates, PooledConnection? except)
    {
        var count = 0;
        foreach (var candidate in candidates)
        {
            count += candidate.CanTake(except) ? 1 : 0;
        }

        return count;
    }

    /// <summary>The n-th that can be chosen; the last of them when there are fewer by now, null when there is none.</summary>
    public static PooledConnection? ThatTakes(this ReadOnlySpan<PooledConnection> candidates, int n, PooledConnection? except)
    {
        PooledConnection? found = null;
        foreach (var candidate in candidates)
        {
            if (candidate.CanTake(except))
            {
                found = candidate;
                if (n-- == 0)
                {
                    break;
                }
            }
        }

        return found;
    }
}
