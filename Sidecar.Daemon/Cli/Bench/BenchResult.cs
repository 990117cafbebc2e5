namespace Sidecar.Daemon.Cli.Bench;

/// <summary>What a benchmark run measured.</summary>
internal sealed record BenchResult
{
    /// <summary>What was driven, in words.</summary>
    public required string What { get; init; }

    /// <summary>Calls answered.</summary>
    public required long Calls { get; init; }

    /// <summary>Calls that ended without an answer.</summary>
    public required long Failures { get; init; }

    /// <summary>What the first failure was; null for none.</summary>
    public string? FirstFailure { get; init; }

    /// <summary>Seconds counted.</summary>
    public required double Seconds { get; init; }

    /// <summary>Calls per second.</summary>
    public double CallsPerSecond => Calls / Seconds;

    /// <summary>Median in microseconds.</summary>
    public required double P50 { get; init; }

    /// <summary>90th percentile in microseconds.</summary>
    public required double P90 { get; init; }

    /// <summary>99th percentile in microseconds.</summary>
    public required double P99 { get; init; }

    /// <summary>99.9th percentile in microseconds.</summary>
    public required double P999 { get; init; }

    /// <summary>Processor time of this process per call, in microseconds.</summary>
    public required double CpuPerCall { get; init; }

    /// <summary>Bytes this process allocated per call.</summary>
    public required double BytesPerCall { get; init; }
}
