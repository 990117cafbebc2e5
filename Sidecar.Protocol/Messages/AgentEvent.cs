namespace Sidecar.Protocol.Messages;

/// <summary>
/// Something that happened to an exchange, told to an agent and answered by at most one <see cref="AgentResponse"/> (spec §4).
/// </summary>
public abstract record AgentEvent
{
    /// <summary>The exchange this event belongs to. Settable so that one object can serve many calls of a load generator.</summary>
    public CorrelationId CorrelationId { get; set; }

    /// <summary>The frame type that carries this event.</summary>
    public abstract MessageType Type { get; }
}
