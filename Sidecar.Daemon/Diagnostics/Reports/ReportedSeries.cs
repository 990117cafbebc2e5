using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Diagnostics.Reports;

/// <summary>One series that an agent reports: the latest value counts. Changed under the lock of its agent, read without it.</summary>
/// <param name="name">The metric's name.</param>
/// <param name="labels">The text between the braces.</param>
internal sealed class ReportedSeries(string name, byte[] labels)
{
    private AgentMetric? _latest;

    /// <summary>The metric's name.</summary>
    public string Name => name;

    /// <summary>When it was last reported, a timestamp.</summary>
    public long UpdatedAt { get; private set; }

    /// <summary>What it is, by its latest value.</summary>
    public MetricKind Kind => KindOf(Volatile.Read(ref _latest)!);

    /// <summary>The agent's help text; empty when it gave none.</summary>
    public string Help => Volatile.Read(ref _latest)!.Help ?? "";

    /// <summary>What a metric is to Prometheus.</summary>
    public static MetricKind KindOf(AgentMetric metric) => metric switch
    {
        CounterMetric => MetricKind.Counter,
        HistogramMetric => MetricKind.Histogram,
        _ => MetricKind.Gauge,
    };

    /// <summary>Every name that a sample of such a metric has.</summary>
    public static IEnumerable<string> SampleNames(string name, MetricKind kind) =>
        kind is MetricKind.Histogram ? [name, name + "_bucket", name + "_sum", name + "_count"] : [name];

    /// <summary>Takes a new value; of the kind it began with.</summary>
    public void Update(AgentMetric metric, long now)
    {
        Volatile.Write(ref _latest, metric);
        UpdatedAt = now;
    }

    /// <summary>Writes its samples.</summary>
    public void Write(PrometheusText text)
    {
        switch (Volatile.Read(ref _latest))
        {
            case CounterMetric counter:
                text.Sample(name, labels, counter.Value);
                break;
            case GaugeMetric gauge:
                text.Sample(name, labels, gauge.Value);
                break;
            case HistogramMetric histogram:
                foreach (var bucket in histogram.Buckets)
                {
                    text.Bucket(name, labels, bucket.UpperBound, bucket.Count);
                }

                text.Sample(name + "_sum", labels, histogram.Sum);
                text.Sample(name + "_count", labels, histogram.Count);
                break;
        }
    }
}

/// <summary>
/// Which metric a name belongs to, over all agents: a scrape must not show one name with two types. Safe from any thread.
/// </summary>
/// <param name="prefix">The prefix of our own metrics, whose names no agent may take.</param>
/// <param name="limit">Most series.</param>
internal sealed class ReportedNames(string prefix, int limit)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Family> _bySample = new(StringComparer.Ordinal);
    private int _series;

    /// <summary>Series of all agents.</summary>
    public int Series => Volatile.Read(ref _series);

    /// <summary>Counts one more series of a metric. Null when that is well, else why not, in one word.</summary>
    public string? TryAdd(string name, MetricKind kind)
    {
        if (name == prefix || name.StartsWith(prefix + "_", StringComparison.Ordinal))
        {
            return "reserved-name";
        }

        lock (_gate)
        {
            if (_series >= limit)
            {
                return "series-limit";
            }

            var samples = ReportedSeries.SampleNames(name, kind).ToList();
            if (_bySample.TryGetValue(name, out var known) && known.Name == name && known.Kind == kind)
            {
                known.Series++;
            }
            else if (samples.Exists(_bySample.ContainsKey))
            {
                return "type-conflict";
            }
            else
            {
                var family = new Family(name, kind);
                samples.ForEach(sample => _bySample.Add(sample, family));
            }

            _series++;
            return null;
        }
    }

    /// <summary>A series is gone; with its last one the name is free again.</summary>
    public void Remove(string name)
    {
        lock (_gate)
        {
            _series--;
            var family = _bySample[name];
            if (--family.Series == 0)
            {
                foreach (var sample in ReportedSeries.SampleNames(name, family.Kind))
                {
                    _bySample.Remove(sample);
                }
            }
        }
    }

    private sealed class Family(string name, MetricKind kind)
    {
        public string Name => name;

        public MetricKind Kind => kind;

        public int Series { get; set; } = 1;
    }
}
