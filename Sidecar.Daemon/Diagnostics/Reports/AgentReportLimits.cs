namespace Sidecar.Daemon.Diagnostics.Reports;

/// <summary>How much of what agents report about themselves is kept.</summary>
internal sealed record AgentReportLimits
{
    /// <summary>Longest name of a metric or label, in characters: three times the longest that is usual.</summary>
    public const int MaxNameLength = 200;

    /// <summary>Longest help text kept, in characters; the rest is cut.</summary>
    public const int MaxHelpLength = 500;

    /// <summary>Most labels of one series: four times those that the specification recommends.</summary>
    public const int MaxLabels = 16;

    /// <summary>Most buckets of a histogram, infinity included: five times the usual dozen.</summary>
    public const int MaxBuckets = 64;

    /// <summary>Most series of one agent. Default 2,000, as for one of our own instruments.</summary>
    public int MaxSeriesPerAgent { get; init; } = 2_000;

    /// <summary>Most series of all agents (spec §9.10). Default 10,000: some 5 MB, and a scrape of 1 MB.</summary>
    public int MaxSeries { get; init; } = 10_000;

    /// <summary>How long a series is shown after its last report (spec §9.10). Default 5 minutes.</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromMinutes(5);
}
