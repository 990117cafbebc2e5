using System.Buffers;
using System.Runtime.InteropServices;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Diagnostics.Reports;

/// <summary>
/// What of a report can be shown: names that Prometheus takes, few labels, histograms that add up (spec §9.10). Anything else is refused,
/// series by series.
/// </summary>
internal static class ReportRules
{
    /// <summary>Labels whose values are ours to say: an agent does not choose under which name it is seen.</summary>
    private static readonly string[] OwnLabels = ["agent", "agent_id", "agent_version"];

    private static readonly SearchValues<char> MetricNameCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:");

    /// <summary>Whether this can be the name of a metric.</summary>
    public static bool IsMetricName(string name) =>
        name.Length is > 0 and <= AgentReportLimits.MaxNameLength && !char.IsAsciiDigit(name[0])
        && !name.AsSpan().ContainsAnyExcept(MetricNameCharacters);

    /// <summary>The labels as text, with our own in place of the agent's; null when one cannot be shown.</summary>
    /// <param name="labels">The agent's labels.</param>
    /// <param name="agent">The id of the connection's agent.</param>
    /// <param name="version">The name of the version that the connection is of.</param>
    /// <param name="endpoint">Which of the agent's processes speaks; null when it has one.</param>
    public static string? LabelsOf(IReadOnlyDictionary<string, string> labels, string agent, string version, string? endpoint)
    {
        if (labels.Count > AgentReportLimits.MaxLabels)
        {
            return null;
        }

        var tags = new List<KeyValuePair<string, object?>>(labels.Count + 3);
        foreach (var (name, value) in labels)
        {
            if (!IsLabelName(name))
            {
                return null;
            }

            if (!OwnLabels.Contains(name) && (endpoint is null || name != "endpoint"))
            {
                tags.Add(new(name, value));
            }
        }

        tags.Add(new("agent", agent));
        tags.Add(new("agent_version", version));
        if (endpoint is not null)
        {
            tags.Add(new("endpoint", endpoint));
        }

        return LabelText.Of(CollectionsMarshal.AsSpan(tags));
    }

    /// <summary>The metric as it can be shown; null when its numbers contradict each other.</summary>
    public static AgentMetric? Checked(AgentMetric metric)
    {
        var shown = metric is HistogramMetric histogram ? CheckedBuckets(histogram) : metric;
        return shown?.Help is { Length: > AgentReportLimits.MaxHelpLength } help
            ? shown with { Help = help[..AgentReportLimits.MaxHelpLength] }
            : shown;
    }

    // What our own label text would have to rename is refused: the series would not be the one that the agent's author looks for.
    private static bool IsLabelName(string name) =>
        name.Length is > 0 and <= AgentReportLimits.MaxNameLength && PrometheusNames.Label(name) == name;

    private static HistogramMetric? CheckedBuckets(HistogramMetric histogram)
    {
        var buckets = histogram.Buckets;
        if (buckets.Count > AgentReportLimits.MaxBuckets || !double.IsFinite(histogram.Sum))
        {
            return null;
        }

        var (bound, count) = (double.NegativeInfinity, 0UL);
        foreach (var bucket in buckets)
        {
            // Written so that a bound that is no number fails too.
            if (!(bucket.UpperBound > bound) || bucket.Count < count)
            {
                return null;
            }

            (bound, count) = (bucket.UpperBound, bucket.Count);
        }

        if (double.IsPositiveInfinity(bound))
        {
            return count == histogram.Count ? histogram : null;
        }

        return count <= histogram.Count
            ? histogram with { Buckets = [.. buckets, new HistogramBucket(double.PositiveInfinity, histogram.Count)] }
            : null;
    }
}
