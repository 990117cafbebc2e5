using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>A connection with what the agent said about itself on it, and how its calls went.</summary>
/// <remarks>
/// Everything that speaks against a new exchange is one bit of one field, written when it happens and read by selection. Safe from any thread.
/// </remarks>
internal sealed class PooledConnection(IAgentConnection connection, TimeProvider time)
{
    /// <summary>Errors in a row after which a connection takes no new exchange (spec §9.3).</summary>
    public const int MaxErrors = 3;

    private readonly Lock _gate = new();
    private volatile Blocks _blocks;
    private ReportedHealth _reported = ReportedHealth.None;
    private long _capacity = long.MaxValue;
    private long _bodyBytes;
    private long _lastUsed;
    private int _errors;
    private int _exchanges;

    [Flags]
    private enum Blocks
    {
        None = 0,
        Paused = 1,
        NoCapacity = 2,
        Sick = 4,
        Ejected = 8,
        Retiring = 16,
    }

    /// <summary>The connection itself.</summary>
    public IAgentConnection Connection => connection;

    /// <summary>The endpoint it leads to: its place in the agent's list. Set before the connection can be chosen.</summary>
    public int Endpoint { get; set; }

    /// <summary>Wakes whoever watches the connection; null before somebody does.</summary>
    public Signal? Watcher { get; set; }

    /// <summary>Errors and latency of late.</summary>
    public CallHistory History { get; } = new(time);

    /// <summary>Counts and latency, for operators.</summary>
    public ConnectionFigures Figures { get; } = new(time);

    /// <summary>When it was opened.</summary>
    public DateTimeOffset Since { get; } = time.GetUtcNow();

    /// <summary>Errors since the last success.</summary>
    public int Errors => Volatile.Read(ref _errors);

    /// <summary>The exchanges that the agent asks to hold.</summary>
    public PausedExchanges Held { get; } = new(time);

    /// <summary>True while the agent asks to be sent nothing on it.</summary>
    public bool IsPaused => Has(Blocks.Paused);

    /// <summary>True while the agent has no room for bytes or asks to be sent nothing.</summary>
    public bool IsHeldBack => Has(Blocks.Paused | Blocks.NoCapacity);

    /// <summary>True when nothing but the agent's flow control keeps new exchanges off it.</summary>
    public bool IsOnlyHeldBack => connection.IsOpen && IsHeldBack && (Current() & ~(Blocks.Paused | Blocks.NoCapacity)) == 0;

    /// <summary>True from the third error in a row until it has proved that it lives.</summary>
    public bool IsEjected => Has(Blocks.Ejected);

    /// <summary>True when it is kept only for the exchanges that it has.</summary>
    public bool IsRetiring => Has(Blocks.Retiring);

    /// <summary>The health last reported; unknown once the report has expired.</summary>
    public HealthState Health => Volatile.Read(ref _reported).StateAt(time);

    /// <summary>By how much the agent wants call timeouts to be stretched, 1 or more.</summary>
    public double TimeoutMultiplier => Volatile.Read(ref _reported).MultiplierAt(time);

    /// <summary>Whether a new exchange may be put on it.</summary>
    public bool TakesNew => Current() == Blocks.None && connection.IsOpen;

    /// <summary>Free slots.</summary>
    public int Room => connection.Traits.MaxInFlight - connection.Stats.InFlight;

    /// <summary>Exchanges that are on it.</summary>
    public int Exchanges => Volatile.Read(ref _exchanges);

    /// <summary>Time since the last sign of life of the agent.</summary>
    public TimeSpan SilentFor => time.GetElapsedTime(connection.Stats.LastHeard);

    /// <summary>How long no call has ended on it; only measured while it retires.</summary>
    public TimeSpan UnusedFor => time.GetElapsedTime(Volatile.Read(ref _lastUsed));

    /// <summary>Whether selection may choose it.</summary>
    /// <param name="except">The connection not to choose; null for none.</param>
    public bool CanTake(PooledConnection? except) => this != except && TakesNew && Room > 0;

    /// <summary>Takes a health report.</summary>
    public void Apply(HealthStatus health)
    {
        lock (_gate)
        {
            Volatile.Write(ref _reported, ReportedHealth.Of(health, time));
            Set(Blocks.Sick, Health is HealthState.Draining or HealthState.Unhealthy);
        }
    }

    /// <summary>Takes a flow control signal, for the connection or for one exchange on it.</summary>
    public void Apply(FlowControlSignal signal)
    {
        if (!signal.CorrelationId.IsEmpty)
        {
            Held.Apply(signal);
            return;
        }

        lock (_gate)
        {
            if (signal.BufferAvailable is { } bytes)
            {
                Volatile.Write(ref _capacity, (long)Math.Min(bytes, long.MaxValue));
                Set(Blocks.NoCapacity, bytes == 0);
            }

            if (signal.Action != FlowAction.UpdateCapacity)
            {
                Set(Blocks.Paused, signal.Action == FlowAction.Pause);
            }
        }
    }

    /// <summary>A call succeeded. Returns true when that brings the connection back.</summary>
    public bool NoteSuccess()
    {
        if (Volatile.Read(ref _errors) == 0)
        {
            return false;
        }

        return Readmit();
    }

    /// <summary>A call failed by the agent's fault. Returns true when the connection is ejected by it.</summary>
    /// <param name="mayGo">Whether it may be.</param>
    public bool NoteFailure(bool mayGo)
    {
        lock (_gate)
        {
            if (++_errors < MaxErrors || IsEjected || !mayGo)
            {
                return false;
            }

            Set(Blocks.Ejected, true);
            return true;
        }
    }

    /// <summary>It has proved that it lives: its errors are forgotten. Returns true when it was ejected.</summary>
    public bool Readmit()
    {
        lock (_gate)
        {
            _errors = 0;
            var wasEjected = IsEjected;
            Set(Blocks.Ejected, false);
            return wasEjected;
        }
    }

    /// <summary>From now on it is kept only for the exchanges that it has.</summary>
    public void Retire()
    {
        Volatile.Write(ref _lastUsed, time.GetTimestamp());
        lock (_gate)
        {
            Set(Blocks.Retiring, true);
        }
    }

    /// <summary>Takes bytes of the agent's stated capacity for a piece of a body; false when it has no room for them now.</summary>
    /// <remarks>One piece is always let in while the agent has any room at all: a piece larger than all of it would otherwise never go.</remarks>
    public bool TryReserve(int bytes)
    {
        var outstanding = Interlocked.Add(ref _bodyBytes, bytes);
        var capacity = Volatile.Read(ref _capacity);
        if (capacity > 0 && (outstanding <= capacity || outstanding == bytes))
        {
            return true;
        }

        Interlocked.Add(ref _bodyBytes, -bytes);
        return false;
    }

    /// <summary>An exchange is put on it; paired with <see cref="Leave"/>.</summary>
    public void Join() => Interlocked.Increment(ref _exchanges);

    /// <summary>An exchange is no longer on it.</summary>
    public void Leave() => Interlocked.Decrement(ref _exchanges);

    /// <summary>A call has ended.</summary>
    /// <param name="bytes">What <see cref="TryReserve"/> took for it.</param>
    public void Release(int bytes)
    {
        if (bytes != 0)
        {
            Interlocked.Add(ref _bodyBytes, -bytes);
        }

        if (IsRetiring)
        {
            Volatile.Write(ref _lastUsed, time.GetTimestamp());
        }
    }

    private bool Has(Blocks blocks) => (_blocks & blocks) != 0;

    // What an agent reported may have expired since; the clock is only asked when it matters.
    private Blocks Current()
    {
        var blocks = _blocks;
        return (blocks & Blocks.Sick) != 0 && Health == HealthState.Unknown ? blocks & ~Blocks.Sick : blocks;
    }

    // Only under the lock.
    private void Set(Blocks blocks, bool on) => _blocks = on ? _blocks | blocks : _blocks & ~blocks;
}
