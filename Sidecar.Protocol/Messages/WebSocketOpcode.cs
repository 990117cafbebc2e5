namespace Sidecar.Protocol.Messages;

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
