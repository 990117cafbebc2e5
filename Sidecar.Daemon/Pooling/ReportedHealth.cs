using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>What an agent last said about its health, and for how long that counts (spec §6.2). Immutable.</summary>
internal sealed class ReportedHealth(HealthState state, double multiplier, long since, TimeSpan valid)
{
    /// <summary>Nothing was said.</summary>
    public static readonly ReportedHealth None = new(HealthState.Unknown, 1, 0, TimeSpan.MaxValue);

    // An agent may ask for patience, not for a request that hangs: the phase's deadline stays above this anyway.
    private const double MaxMultiplier = 10;

    /// <summary>Reads a report. Its end is turned into a time span at once, so that a step of the wall clock does not stretch it.</summary>
    public static ReportedHealth Of(HealthStatus health, TimeProvider time)
    {
        var left = health.ValidUntilMs is { } until ? (double)until - time.GetUtcNow().ToUnixTimeMilliseconds() : double.MaxValue;
        return new ReportedHealth(
            health.State,
            health.State == HealthState.Degraded && health.TimeoutMultiplier > 1 ? Math.Min(health.TimeoutMultiplier, MaxMultiplier) : 1,
            time.GetTimestamp(),
            left >= TimeSpan.MaxValue.TotalMilliseconds ? TimeSpan.MaxValue : TimeSpan.FromMilliseconds(Math.Max(left, 0)));
    }

    /// <summary>The state; unknown when the report has expired.</summary>
    public HealthState StateAt(TimeProvider time) => Counts(time) ? state : HealthState.Unknown;

    /// <summary>The factor for call timeouts; 1 when the report has expired.</summary>
    public double MultiplierAt(TimeProvider time) => multiplier > 1 && Counts(time) ? multiplier : 1;

    private bool Counts(TimeProvider time) => valid == TimeSpan.MaxValue || time.GetElapsedTime(since) < valid;
}
