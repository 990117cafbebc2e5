namespace Sidecar.Daemon.Cli.Bench;

/// <summary>What the workers of a benchmark have done between its start and a moment.</summary>
/// <param name="Exchanges">Exchanges of which every message was answered.</param>
/// <param name="Messages">Messages sent and answered.</param>
internal readonly record struct Tally(long Exchanges, long Messages)
{
    /// <summary>The sum over all workers.</summary>
    public static Tally Of(IReadOnlyList<ICaller> callers)
    {
        var sum = default(Tally);
        foreach (var caller in callers)
        {
            sum = new(sum.Exchanges + caller.Exchanges, sum.Messages + caller.Messages);
        }

        return sum;
    }

    /// <summary>What was done between two moments.</summary>
    public static Tally operator -(Tally later, Tally earlier) =>
        new(later.Exchanges - earlier.Exchanges, later.Messages - earlier.Messages);
}
