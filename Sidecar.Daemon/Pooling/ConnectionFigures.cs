using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Diagnostics;

namespace Sidecar.Daemon.Pooling;

/// <summary>What became of the calls of one connection, for operators. Safe from any thread; counting takes no lock.</summary>
internal sealed class ConnectionFigures(TimeProvider time)
{
    private long _answered;
    private long _failed;
    private long _timedOut;
    private long _cancelled;

    /// <summary>How long the calls took that were answered, of late.</summary>
    public LatencySketch Latency { get; } = new(time);

    /// <summary>How much of their ceilings the calls took that the agent answered or was too slow for, of late; a whole ceiling is a second here.</summary>
    public LatencySketch OfCeiling { get; } = new(time);

    /// <summary>The counts so far.</summary>
    public CallCounts Counts => new(Volatile.Read(ref _answered), Volatile.Read(ref _failed), Volatile.Read(ref _timedOut), Volatile.Read(ref _cancelled));

    /// <summary>A call on the connection has ended.</summary>
    /// <param name="outcome">How.</param>
    /// <param name="took">From the call to its end.</param>
    /// <param name="ceiling">How long it might have taken.</param>
    /// <param name="now">A timestamp of the clock.</param>
    public void Add(CallOutcome outcome, TimeSpan took, TimeSpan ceiling, long now)
    {
        if (outcome is CallOutcome.Answered or CallOutcome.TimedOut)
        {
            OfCeiling.Record(TimeSpan.FromSeconds(took / ceiling), now);
        }

        switch (outcome)
        {
            case CallOutcome.Answered:
                Interlocked.Increment(ref _answered);
                Latency.Record(took, now);
                break;
            case CallOutcome.BadAnswer or CallOutcome.ConnectionLost:
                Interlocked.Increment(ref _failed);
                break;
            case CallOutcome.TimedOut:
                Interlocked.Increment(ref _timedOut);
                break;
            case CallOutcome.Cancelled or CallOutcome.ShutDown:
                Interlocked.Increment(ref _cancelled);
                break;
        }
    }
}

/// <summary>Counts of calls by how they ended.</summary>
/// <param name="Answered">The agent answered.</param>
/// <param name="Failed">It answered with something that is no answer, or its connection ended.</param>
/// <param name="TimedOut">It did not answer in time.</param>
/// <param name="Cancelled">We no longer wanted the answer.</param>
internal readonly record struct CallCounts(long Answered, long Failed, long TimedOut, long Cancelled)
{
    /// <summary>The sum of two.</summary>
    public static CallCounts operator +(CallCounts a, CallCounts b) =>
        new(a.Answered + b.Answered, a.Failed + b.Failed, a.TimedOut + b.TimedOut, a.Cancelled + b.Cancelled);
}
