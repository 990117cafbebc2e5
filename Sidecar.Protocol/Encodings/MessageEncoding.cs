namespace Sidecar.Protocol.Encodings;

/// <summary>
/// How the messages after the handshake become bytes: JSON or MessagePack (spec §4.1, §4.2). Stateless, safe from any thread.
/// </summary>
/// <remarks>
/// Writers follow the writer rules of spec §4.2 and §4.4: maps with string keys, each key once. Readers accept every form that §4.2,
/// §4.4 and §4.12 list, and throw only <see cref="ProtocolException"/>, whatever the bytes.
/// </remarks>
public abstract class MessageEncoding
{
    /// <summary>The encoding's name in a handshake.</summary>
    public abstract string Name { get; }

    /// <summary>Writes the payload of an event.</summary>
    public abstract void WriteEvent(IBufferWriter<byte> output, AgentEvent message);

    /// <summary>Reads the payload of an event. Body data may share the memory of <paramref name="payload"/>.</summary>
    /// <exception cref="ProtocolException">The payload is not such an event.</exception>
    public abstract AgentEvent ReadEvent(MessageType type, ReadOnlyMemory<byte> payload);

    /// <summary>Writes the payload of an answer, with its id where every peer looks for it.</summary>
    public abstract void WriteResponse(IBufferWriter<byte> output, CorrelationId correlationId, AgentResponse response);

    /// <summary>Reads the payload of an answer in any of the forms that agents send (spec §4.12).</summary>
    /// <exception cref="ProtocolException">The payload is not an answer, or its decision is none we know.</exception>
    public abstract AgentAnswer ReadResponse(ReadOnlyMemory<byte> payload);

    /// <summary>Finds the correlation id in a payload that could not be decoded; the empty id when there is none. Never throws.</summary>
    public abstract CorrelationId SalvageCorrelationId(ReadOnlyMemory<byte> payload);

    /// <summary>Writes a health report.</summary>
    public abstract void WriteHealth(IBufferWriter<byte> output, HealthStatus message);

    /// <summary>Reads a health report in any of its forms (spec §6.2).</summary>
    /// <exception cref="ProtocolException">The payload is none.</exception>
    public abstract HealthStatus ReadHealth(ReadOnlyMemory<byte> payload);

    /// <summary>Writes a metrics report.</summary>
    public abstract void WriteMetrics(IBufferWriter<byte> output, MetricsReport message);

    /// <summary>Reads a metrics report (spec §6.3).</summary>
    /// <exception cref="ProtocolException">The payload is none.</exception>
    public abstract MetricsReport ReadMetrics(ReadOnlyMemory<byte> payload);

    /// <summary>Writes a configuration update request.</summary>
    public abstract void WriteConfigUpdate(IBufferWriter<byte> output, ConfigUpdateRequest message);

    /// <summary>Reads a configuration update request (spec §6.4).</summary>
    /// <exception cref="ProtocolException">The payload is none.</exception>
    public abstract ConfigUpdateRequest ReadConfigUpdate(ReadOnlyMemory<byte> payload);

    /// <summary>Writes a flow control signal.</summary>
    public abstract void WriteFlowControl(IBufferWriter<byte> output, FlowControlSignal message);

    /// <summary>Reads a flow control signal in any of its forms (spec §6.1).</summary>
    /// <exception cref="ProtocolException">The payload is none.</exception>
    public abstract FlowControlSignal ReadFlowControl(ReadOnlyMemory<byte> payload);

    /// <summary>Whether lines for the proxy's log can be sent (spec §6.8).</summary>
    public virtual bool CanLog => false;

    /// <summary>Writes a line for the proxy's log.</summary>
    /// <exception cref="NotSupportedException">This encoding has none; <see cref="CanLog"/> says so.</exception>
    public virtual void WriteLog(IBufferWriter<byte> output, AgentLogMessage message) =>
        throw new NotSupportedException($"{Name} has no log messages; only gRPC has");

    /// <summary>Reads a line for the proxy's log.</summary>
    /// <exception cref="ProtocolException">The payload is none.</exception>
    /// <exception cref="NotSupportedException">This encoding has none; <see cref="CanLog"/> says so.</exception>
    public virtual AgentLogMessage ReadLog(ReadOnlyMemory<byte> payload) =>
        throw new NotSupportedException($"{Name} has no log messages; only gRPC has");
}

/// <summary>A decoded answer with the id it carried.</summary>
/// <param name="CorrelationId">Empty when the answer carried none (in-order dialects).</param>
/// <param name="Response">What the agent said; <see cref="AgentResponse.Allow"/> itself for a plain allow.</param>
public readonly record struct AgentAnswer(CorrelationId CorrelationId, AgentResponse Response);
