namespace Sidecar.Daemon.Diagnostics;

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
