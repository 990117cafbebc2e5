using System.Text;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Diagnostics.Reports;

/// <summary>The series of one agent. Safe from any thread: its connections report side by side.</summary>
/// <param name="agent">The agent's id, as the operator gave it.</param>
/// <param name="names">What all agents share.</param>
/// <param name="limits">The bounds.</param>
/// <param name="metrics">Where what is left out is counted.</param>
/// <param name="time">The clock.</param>
internal sealed class ReportTable(string agent, ReportedNames names, AgentReportLimits limits, AgentMetrics metrics, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Name, string Labels), ReportedSeries> _series = [];
    private bool _isForgotten;

    /// <summary>Takes what can be shown of a report.</summary>
    public void Take(MetricsReport report, string version, string? endpoint)
    {
        metrics.Reported(agent);
        Dictionary<string, long>? dropped = null;
        foreach (var metric in ((IEnumerable<AgentMetric>)report.Counters).Concat(report.Gauges).Concat(report.Histograms))
        {
            if (Take(metric, version, endpoint) is { } reason)
            {
                dropped ??= new(StringComparer.Ordinal);
                dropped[reason] = dropped.GetValueOrDefault(reason) + 1;
            }
        }

        foreach (var (reason, count) in dropped ?? [])
        {
            metrics.ReportDropped(agent, reason, count);
        }
    }

    /// <summary>The series to show; those that were not reported for too long are forgotten.</summary>
    public ReportedSeries[] Snapshot()
    {
        lock (_gate)
        {
            Expire();
            return [.. _series.Values];
        }
    }

    /// <summary>The agent is gone. A report that is still under way leaves nothing behind.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _isForgotten = true;
            RemoveWhere(static _ => true);
        }
    }

    // Null when it is shown, else why not.
    private string? Take(AgentMetric metric, string version, string? endpoint)
    {
        if (!ReportRules.IsMetricName(metric.Name))
        {
            return "bad-name";
        }

        if (ReportRules.LabelsOf(metric.Labels, agent, version, endpoint) is not { } labels)
        {
            return "bad-labels";
        }

        if (ReportRules.Checked(metric) is not { } shown)
        {
            return "bad-value";
        }

        lock (_gate)
        {
            var now = time.GetTimestamp();
            if (_series.TryGetValue((metric.Name, labels), out var series))
            {
                if (series.Kind != ReportedSeries.KindOf(shown))
                {
                    return "type-conflict";
                }

                series.Update(shown, now);
                return null;
            }

            return _isForgotten ? "agent-gone" : TryAdd(shown, labels, now);
        }
    }

    private string? TryAdd(AgentMetric metric, string labels, long now)
    {
        if (_series.Count >= limits.MaxSeriesPerAgent || names.Series >= limits.MaxSeries)
        {
            Expire();
            if (_series.Count >= limits.MaxSeriesPerAgent)
            {
                return "series-limit";
            }
        }

        if (names.TryAdd(metric.Name, ReportedSeries.KindOf(metric)) is { } refused)
        {
            return refused;
        }

        var series = new ReportedSeries(metric.Name, Encoding.UTF8.GetBytes(labels));
        series.Update(metric, now);
        _series.Add((metric.Name, labels), series);
        return null;
    }

    private void Expire()
    {
        var now = time.GetTimestamp();
        RemoveWhere(series => time.GetElapsedTime(series.UpdatedAt, now) > limits.MaxAge);
    }

    private void RemoveWhere(Func<ReportedSeries, bool> isGone)
    {
        foreach (var (key, series) in _series)
        {
            if (isGone(series))
            {
                _series.Remove(key);
                names.Remove(series.Name);
            }
        }
    }
}
