namespace Sidecar.Daemon.Cli.Bench;

/// <summary>What a benchmark run measured.</summary>
internal sealed record BenchResult
{
    /// <summary>What was driven, in words.</summary>
    public required string What { get; init; }

    /// <summary>How the warm-up went.</summary>
    public required WarmUp WarmUp { get; init; }

    /// <summary>Exchanges and messages of this process in the seconds counted.</summary>
    public required Tally Done { get; init; }

    /// <summary>Calls that ended without an answer, or with a refusal, since the start.</summary>
    public required long Failures { get; init; }

    /// <summary>What the first failure was; null for none.</summary>
    public string? FirstFailure { get; init; }

    /// <summary>Seconds counted.</summary>
    public required double Seconds { get; init; }

    /// <summary>How long the timed calls took: those of the event asked for, not what opens and ends its exchange.</summary>
    public required LatencyHistogram Latencies { get; init; }

    /// <summary>How long those took that failed or were refused in the seconds counted.</summary>
    public required LatencyHistogram FailureLatencies { get; init; }

    /// <summary>Processor time of each process in the seconds counted; null for one that ended.</summary>
    public required IReadOnlyList<(string Name, TimeSpan? Cpu)> Processes { get; init; }

    /// <summary>Bytes that this process allocated.</summary>
    public required long AllocatedBytes { get; init; }

    /// <summary>A sum over the seconds counted as a share of each message; null when none was answered.</summary>
    public double? PerMessage(double? sum) => Done.Messages == 0 ? null : sum / Done.Messages;

    /// <summary>A sum over the seconds counted as a share of each exchange; null when none came to its end.</summary>
    public double? PerExchange(double? sum) => Done.Exchanges == 0 ? null : sum / Done.Exchanges;
}
