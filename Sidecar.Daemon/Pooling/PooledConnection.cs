using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>A connection with what the agent last said about itself on it. Flags are written by the read loop and read by selection.</summary>
internal sealed class PooledConnection(IAgentConnection connection)
{
    private volatile bool _paused;
    private volatile HealthState _health;

    /// <summary>The connection itself.</summary>
    public IAgentConnection Connection => connection;

    /// <summary>True while the agent asks to be sent nothing new.</summary>
    public bool IsPaused => _paused;

    /// <summary>The health last reported.</summary>
    public HealthState Health => _health;

    /// <summary>Whether a new exchange may be put on it.</summary>
    public bool TakesNew => connection.IsOpen && !_paused && _health is not (HealthState.Draining or HealthState.Unhealthy);

    /// <summary>Free slots.</summary>
    public int Room => connection.Traits.MaxInFlight - connection.InFlight;

    /// <summary>Takes a health report.</summary>
    public void Apply(HealthStatus health) => _health = health.State;

    /// <summary>Takes a flow control signal for the whole connection.</summary>
    public void Apply(FlowControlSignal signal)
    {
        if (signal.CorrelationId.IsEmpty && signal.Action != FlowAction.UpdateCapacity)
        {
            _paused = signal.Action == FlowAction.Pause;
        }
    }
}
