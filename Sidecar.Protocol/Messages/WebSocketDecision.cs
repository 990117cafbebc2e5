namespace Sidecar.Protocol.Messages;

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
