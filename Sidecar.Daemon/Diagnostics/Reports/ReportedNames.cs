namespace Sidecar.Daemon.Diagnostics.Reports;

/// <summary>Which metric a name belongs to, over all agents: a scrape must not show one name with two types. Safe from any thread.</summary>
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
