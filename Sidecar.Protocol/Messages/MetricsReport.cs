namespace Sidecar.Protocol.Messages;

/// <summary>An agent's own metrics (spec §6.3).</summary>
public sealed record MetricsReport
{
    /// <summary>The agent's id as it says; the connection's agent id is what counts.</summary>
    public string AgentId { get; init; } = "";

    /// <summary>When, in Unix milliseconds.</summary>
    public ulong TimestampMs { get; init; }

    /// <summary>How often it reports, in milliseconds.</summary>
    public ulong IntervalMs { get; init; }

    /// <summary>Absolute counters.</summary>
    public IReadOnlyList<CounterMetric> Counters { get; init; } = [];

    /// <summary>Gauges.</summary>
    public IReadOnlyList<GaugeMetric> Gauges { get; init; } = [];

    /// <summary>Histograms.</summary>
    public IReadOnlyList<HistogramMetric> Histograms { get; init; } = [];
}

/// <summary>What every metric has.</summary>
public abstract record AgentMetric
{
    /// <summary>The metric's name.</summary>
    public required string Name { get; init; }

    /// <summary>For people; left out of the message when null.</summary>
    public string? Help { get; init; }

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = EmptyMap.OfStrings;
}

/// <summary>A count since the agent started.</summary>
public sealed record CounterMetric : AgentMetric
{
    /// <summary>The absolute count.</summary>
    public ulong Value { get; init; }
}

/// <summary>A value that goes up and down.</summary>
public sealed record GaugeMetric : AgentMetric
{
    /// <summary>The value.</summary>
    public double Value { get; init; }
}

/// <summary>A distribution.</summary>
public sealed record HistogramMetric : AgentMetric
{
    /// <summary>Sum of all observations.</summary>
    public double Sum { get; init; }

    /// <summary>Number of observations.</summary>
    public ulong Count { get; init; }

    /// <summary>Cumulative buckets.</summary>
    public IReadOnlyList<HistogramBucket> Buckets { get; init; } = [];
}

/// <summary>A cumulative bucket.</summary>
/// <param name="UpperBound">Inclusive bound; positive infinity is written as <c>"+Inf"</c>.</param>
/// <param name="Count">Observations at or below the bound.</param>
public readonly record struct HistogramBucket(double UpperBound, ulong Count);
