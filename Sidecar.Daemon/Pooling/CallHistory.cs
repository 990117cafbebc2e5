using System.Numerics;

namespace Sidecar.Daemon.Pooling;

/// <summary>How the calls of one connection went of late: errors and latency, each forgotten by half every five seconds.</summary>
/// <remarks>
/// Writers take turns for a few instructions; readers take no lock, and may see one call half added, which a comparison of connections
/// survives.
/// </remarks>
internal sealed class CallHistory(TimeProvider time)
{
    private const double HalfLifeSeconds = 5;

    // Below this, differences of latency are noise.
    private const double LeastMicroseconds = 64;

    // A connection on which every call fails is as bad as one that is this much slower.
    private const double ErrorWeight = 64;

    private readonly Lock _gate = new();
    private double _calls;
    private double _failures;
    private double _seconds;
    private long _at = time.GetTimestamp();

    /// <summary>Adds a call that has ended.</summary>
    public void Add(bool failed, TimeSpan took, long now)
    {
        lock (_gate)
        {
            var keep = KeepAt(now);
            _calls = (_calls * keep) + 1;
            _failures = (_failures * keep) + (failed ? 1 : 0);
            _seconds = (_seconds * keep) + took.TotalSeconds;
            _at = now;
        }
    }

    /// <summary>How bad the connection is, on a scale where one more means twice as bad, so that like is chosen in turn.</summary>
    /// <remarks>One imagined call without error or latency is part of the sum: what is long ago fades, and the connection is tried again.</remarks>
    public int CostAt(long now)
    {
        var keep = KeepAt(now);
        var calls = (_calls * keep) + 1;
        var microseconds = LeastMicroseconds + (_seconds * keep / calls * 1e6);
        return BitOperations.Log2((ulong)Math.Min(microseconds * (1 + (ErrorWeight * _failures * keep / calls)), long.MaxValue / 2));
    }

    private double KeepAt(long now) => Math.Pow(2, -Math.Max(0, time.GetElapsedTime(_at, now).TotalSeconds) / HalfLifeSeconds);
}
