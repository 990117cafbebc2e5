namespace Sidecar.Daemon.Diagnostics;

/// <summary>One metric with all its series. Recording is safe from any thread.</summary>
internal sealed class MetricFamily(string name, string help, InstrumentTraits traits, int maxSeries)
{
    private SeriesTable _table = new(maxSeries, Creator(traits));

    /// <summary>The name as Prometheus sees it, with prefix, unit and suffix.</summary>
    public string Name => name;

    /// <summary>What the metric is.</summary>
    public MetricKind Kind => traits.Kind;

    /// <summary>Every name that a sample of this metric has.</summary>
    public IEnumerable<string> SampleNames =>
        Kind is MetricKind.Histogram ? [name, name + "_bucket", name + "_sum", name + "_count"] : [name];

    /// <summary>Records a whole measurement.</summary>
    public RecordOutcome Record(long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var series = _table.Find(tags, out var overflowed);
        return Outcome(series.Record(value), overflowed);
    }

    /// <summary>Records a measurement.</summary>
    public RecordOutcome Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var series = _table.Find(tags, out var overflowed);
        return Outcome(series.Record(value), overflowed);
    }

    /// <summary>Forgets all series. Before each observation of an observed metric: what is gone is no longer shown.</summary>
    public void Clear() => _table = new SeriesTable(maxSeries, Creator(traits));

    /// <summary>Forgets the series with all of these tags.</summary>
    public void Forget(ReadOnlySpan<KeyValuePair<string, object?>> tags) => _table.Forget(tags);

    /// <summary>Writes help, type and the samples of all series in the order of their labels; nothing when there is none.</summary>
    public void Write(PrometheusText text)
    {
        var all = _table.Snapshot();
        if (all.Length == 0)
        {
            return;
        }

        text.Header(name, help, Kind);
        foreach (var series in all)
        {
            series.Write(text, name);
        }
    }

    private static RecordOutcome Outcome(bool taken, bool overflowed) =>
        !taken ? RecordOutcome.Invalid
        : overflowed ? RecordOutcome.Overflowed
        : RecordOutcome.Recorded;

    private static Func<byte[], Series> Creator(InstrumentTraits traits) => traits.Kind is MetricKind.Histogram
        ? labels => new HistogramSeries(labels, traits.Bounds)
        : labels => new ScalarSeries(labels, traits);
}

/// <summary>The kinds of metric that Prometheus knows and we use.</summary>
internal enum MetricKind
{
    /// <summary>A total that only grows.</summary>
    Counter,

    /// <summary>A value that goes up and down.</summary>
    Gauge,

    /// <summary>Counts of values per bucket, their count and their sum.</summary>
    Histogram,
}
