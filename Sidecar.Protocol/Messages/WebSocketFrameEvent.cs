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
