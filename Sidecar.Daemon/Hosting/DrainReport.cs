namespace Sidecar.Daemon.Hosting;

/// <summary>What became of each rung of a shutdown, in order.</summary>
internal sealed record DrainReport(IReadOnlyList<DrainRungResult> Rungs, TimeSpan Elapsed)
{
    /// <summary>Whether every rung finished in time and without an error.</summary>
    public bool IsClean => Rungs.All(rung => rung.Outcome == DrainOutcome.Done);
}
