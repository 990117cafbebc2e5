namespace Sidecar.Protocol.Messages;

/// <summary>One WebSocket frame; its id is that of the upgrade request (spec §4.7).</summary>
public sealed record WebSocketFrameEvent : AgentEvent
{
    /// <inheritdoc/>
    public override MessageType Type => MessageType.WebSocketFrame;

    /// <summary>The kind of frame.</summary>
    public WebSocketOpcode Opcode { get; init; }

    /// <summary>The unmasked payload. May share memory with the frame it was read from: valid until the event is answered.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>True from the client, false from the server.</summary>
    public bool ClientToServer { get; init; }

    /// <summary>Running number of the frame in its direction, from 0.</summary>
    public ulong FrameIndex { get; init; }

    /// <summary>True for the last frame of a message.</summary>
    public bool Fin { get; init; }

    /// <summary>The route that named the agent.</summary>
    public string? RouteId { get; init; }

    /// <summary>The client's address.</summary>
    public string ClientIp { get; init; } = "";
}

/// <summary>WebSocket opcodes with their numbers in RFC 6455; names on the wire are their lower-case forms (spec §4.7).</summary>
public enum WebSocketOpcode : byte
{
    /// <summary>A further piece of a fragmented message.</summary>
    Continuation = 0,

    /// <summary>UTF-8 text.</summary>
    Text = 1,

    /// <summary>Binary data.</summary>
    Binary = 2,

    /// <summary>Close handshake.</summary>
    Close = 8,

    /// <summary>Ping.</summary>
    Ping = 9,

    /// <summary>Pong.</summary>
    Pong = 10,
}

/// <summary>What happens to a WebSocket frame (spec §5.5).</summary>
public enum WebSocketDecisionKind : byte
{
    /// <summary>Forward it.</summary>
    Allow,

    /// <summary>Do not forward it.</summary>
    Drop,

    /// <summary>Close the connection in both directions.</summary>
    Close,
}

/// <summary>What happens to a WebSocket frame, with the code and reason of a close (spec §4.10).</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Code">Close code, RFC 6455 §7.4; 0 unless closing.</param>
/// <param name="Reason">Close reason; empty unless closing.</param>
public sealed record WebSocketDecision(WebSocketDecisionKind Kind, ushort Code = 0, string Reason = "")
{
    /// <summary>Forward the frame.</summary>
    public static WebSocketDecision Allow { get; } = new(WebSocketDecisionKind.Allow);

    /// <summary>Do not forward the frame.</summary>
    public static WebSocketDecision Drop { get; } = new(WebSocketDecisionKind.Drop);

    /// <summary>Close the connection.</summary>
    public static WebSocketDecision Close(ushort code, string reason) => new(WebSocketDecisionKind.Close, code, reason);
}
