using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Framing;

namespace Sidecar.Protocol.Dialects;

/// <summary>
/// What differs between the wires that the agent protocol v2 runs on: framing, handshake, control messages. Stateless, safe from any
/// thread.
/// </summary>
public abstract class AgentDialect
{
    /// <summary>Frames with JSON or MessagePack, as on Unix sockets (spec §2, §3).</summary>
    public static AgentDialect Native { get; } = new NativeDialect();

    /// <summary>Names it for operators.</summary>
    public abstract string Name { get; }

    /// <summary>The stream as a proxy reads and writes it.</summary>
    public abstract FrameFormat ProxyFormat { get; }

    /// <summary>The stream as an agent reads and writes it.</summary>
    public abstract FrameFormat AgentFormat { get; }

    /// <summary>Whether answers can carry body mutations (spec §7.5).</summary>
    public abstract bool CarriesMutations { get; }

    /// <summary>
    /// Whether every agent answers a configuration (spec §5.3); where not, the pong behind it accepts it and the end of the stream refuses
    /// it (spec §6.5).
    /// </summary>
    public abstract bool AnswersConfigure { get; }

    /// <summary>Whether the handshake chooses an encoding.</summary>
    public abstract bool NegotiatesEncoding { get; }

    /// <summary>The longest body piece for an agent with these limits, in bytes.</summary>
    public abstract long LongestBodyPiece(AgentLimits limits);

    /// <summary>The encoding of everything after the handshake, for the proxy.</summary>
    /// <exception cref="ProtocolException">The agent named one that nobody knows.</exception>
    public abstract MessageEncoding ProxyEncoding(HandshakeResponse response);

    /// <summary>The encoding of everything after the handshake, for the agent.</summary>
    public abstract MessageEncoding AgentEncoding(HandshakeResponse response);

    /// <summary>Writes the proxy's opening message.</summary>
    public abstract void WriteRequest(IBufferWriter<byte> output, HandshakeRequest message);

    /// <summary>Reads the proxy's opening message.</summary>
    /// <exception cref="ProtocolException">The payload is none.</exception>
    public abstract HandshakeRequest ReadRequest(ReadOnlyMemory<byte> payload);

    /// <summary>Writes the agent's answer.</summary>
    public abstract void WriteResponse(IBufferWriter<byte> output, HandshakeResponse message);

    /// <summary>Reads the agent's answer.</summary>
    /// <exception cref="ProtocolException">The payload is none.</exception>
    public abstract HandshakeResponse ReadResponse(ReadOnlyMemory<byte> payload);

    /// <summary>Writes a cancel.</summary>
    public abstract void WriteCancel(IBufferWriter<byte> output, CancelRequest message);

    /// <summary>Reads a cancel.</summary>
    /// <exception cref="ProtocolException">The payload is none.</exception>
    public abstract CancelRequest ReadCancel(ReadOnlyMemory<byte> payload);

    /// <summary>
    /// Writes what tells an agent that an exchange is over, where the dialect has a word for it of its own; it goes as a cancel, behind the
    /// last event. The native dialect and gRPC's have none besides the event <see cref="MessageType.RequestComplete"/>.
    /// </summary>
    /// <returns>False when there is nothing to tell, and nothing was written.</returns>
    public virtual bool TryWriteEnd(IBufferWriter<byte> output, CorrelationId exchange) => false;

    /// <summary>Writes a ping.</summary>
    public abstract void WritePing(IBufferWriter<byte> output, PingMessage message);

    /// <summary>Writes the pong to a ping.</summary>
    /// <param name="output">Where to write.</param>
    /// <param name="ping">The payload of the ping.</param>
    /// <param name="nowMs">Now, in Unix milliseconds.</param>
    /// <exception cref="ProtocolException">The ping is none.</exception>
    public abstract void WritePong(IBufferWriter<byte> output, ReadOnlyMemory<byte> ping, ulong nowMs);

    /// <summary>Reads which ping a pong answers.</summary>
    /// <exception cref="ProtocolException">The payload is no pong.</exception>
    public abstract ulong ReadPong(ReadOnlyMemory<byte> payload);
}
