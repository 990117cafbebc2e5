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

/// <summary>The type byte of a frame in the native dialect (spec §2.2).</summary>
/// <remarks>A value that is not listed here is consumed, counted and skipped by a reader and never written by a writer.</remarks>
public enum MessageType : byte
{
    /// <summary>Not a message: the default value, never on the wire.</summary>
    None = 0,

    /// <summary>Proxy to agent: the opening handshake; agent to proxy on a reverse connection: the registration. JSON always.</summary>
    HandshakeRequest = 0x01,

    /// <summary>The answer to <see cref="HandshakeRequest"/>. JSON always.</summary>
    HandshakeResponse = 0x02,

    /// <summary>Event: a request line with its headers.</summary>
    RequestHeaders = 0x10,

    /// <summary>Event: a piece of the request body.</summary>
    RequestBodyChunk = 0x11,

    /// <summary>Event: a response status with its headers.</summary>
    ResponseHeaders = 0x12,

    /// <summary>Event: a piece of the response body.</summary>
    ResponseBodyChunk = 0x13,

    /// <summary>Event: the exchange has ended.</summary>
    RequestComplete = 0x14,

    /// <summary>Event: one WebSocket frame.</summary>
    WebSocketFrame = 0x15,

    /// <summary>Event: text to be inspected by a guardrail.</summary>
    GuardrailInspect = 0x16,

    /// <summary>Event: a configuration object for the agent.</summary>
    Configure = 0x17,

    /// <summary>Agent to proxy: the answer to any event.</summary>
    AgentResponse = 0x20,

    /// <summary>Agent to proxy: how the agent is.</summary>
    HealthStatus = 0x30,

    /// <summary>Agent to proxy: the agent's own metrics.</summary>
    MetricsReport = 0x31,

    /// <summary>Agent to proxy: the agent asks for a reload or announces a change.</summary>
    ConfigUpdateRequest = 0x32,

    /// <summary>Agent to proxy: pause, resume or capacity.</summary>
    FlowControl = 0x33,

    /// <summary>Agent to proxy: a line for the proxy's log. gRPC only (spec §6.8); in frames the number is unknown and skipped.</summary>
    Log = 0x34,

    /// <summary>Proxy to agent: a call is no longer wanted. JSON always.</summary>
    Cancel = 0x40,

    /// <summary>Proxy to agent: are you there. JSON always.</summary>
    Ping = 0x41,

    /// <summary>Agent to proxy: a byte-for-byte copy of the ping's payload.</summary>
    Pong = 0x42,
}
