using System.Buffers;
using System.Collections.Concurrent;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Diagnostics.Reports;

/// <summary>What agents report about themselves, shown to Prometheus under the names that the agents chose (spec §6.3, §9.10).</summary>
/// <remarks>
/// Each series carries the labels <c>agent</c> and <c>agent_version</c> with the id of the connection's agent and the name of its version;
/// what a report claims to come from is ignored, and so are its own labels of these names. Everything is bounded; what is left out is
/// counted in <c>agent_reports_dropped_total</c> with the reason (<c>bad-name</c>, <c>bad-labels</c>, <c>bad-value</c>,
/// <c>reserved-name</c>, <c>type-conflict</c>, <c>series-limit</c>). Safe from any thread; agents do not wait for each other or for a
/// scrape.
/// </remarks>
/// <param name="metrics">Where what is left out is counted.</param>
/// <param name="prefix">The prefix of our own metrics, whose names no agent may take.</param>
/// <param name="limits">The bounds.</param>
/// <param name="time">The clock.</param>
internal sealed class AgentReports(AgentMetrics metrics, string prefix, AgentReportLimits limits, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, ReportTable> _tables = new(StringComparer.Ordinal);
    private readonly ReportedNames _names = new(prefix, limits.MaxSeries);

    /// <summary>A report has come on a connection of an agent.</summary>
    /// <param name="agent">The agent's id, as the operator gave it.</param>
    /// <param name="version">The name of the version that the connection is of.</param>
    /// <param name="endpoint">Which of the agent's processes it comes from, told by a label of that name; null when it has one.</param>
    /// <param name="report">The report.</param>
    public void Take(string agent, string version, string? endpoint, MetricsReport report) =>
        _tables.GetOrAdd(agent, id => new ReportTable(id, _names, limits, metrics, time)).Take(report, version, endpoint);

    /// <summary>An agent is gone: its series are no longer shown.</summary>
    public void Forget(string agent)
    {
        if (_tables.TryRemove(agent, out var table))
        {
            table.Forget();
        }
    }

    /// <summary>
    /// Writes all series in the text format 0.0.4: each name once with its type, the agents' samples in the order of their ids.
    /// </summary>
    public void Render(IBufferWriter<byte> output)
    {
        var text = new PrometheusText(output);
        var families = _tables.OrderBy(static table => table.Key, StringComparer.Ordinal)
            .SelectMany(static table => table.Value.Snapshot())
            .GroupBy(static series => series.Name, StringComparer.Ordinal)
            .OrderBy(static family => family.Key, StringComparer.Ordinal);
        foreach (var family in families)
        {
            var help = family.Select(static series => series.Help).FirstOrDefault(static help => help.Length > 0);
            var kind = family.First().Kind;
            text.Header(family.Key, help ?? "Reported by agents", kind);
            foreach (var series in family)
            {
                // Between two snapshots the name may have been given up and taken for another type; that one is shown the next time.
                if (series.Kind == kind)
                {
                    series.Write(text);
                }
            }
        }
    }
}

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
