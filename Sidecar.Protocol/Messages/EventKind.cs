namespace Sidecar.Protocol.Messages;

/// <summary>The kinds of event with their numbers in <c>supported_events</c> (spec §3.3).</summary>
public enum EventKind
{
    /// <summary>Not an event.</summary>
    None = 0,

    /// <summary><c>request_headers</c></summary>
    RequestHeaders = 1,

    /// <summary><c>request_body_chunk</c></summary>
    RequestBodyChunk = 2,

    /// <summary><c>response_headers</c></summary>
    ResponseHeaders = 3,

    /// <summary><c>response_body_chunk</c></summary>
    ResponseBodyChunk = 4,

    /// <summary><c>request_complete</c></summary>
    RequestComplete = 5,

    /// <summary><c>websocket_frame</c></summary>
    WebSocketFrame = 6,

    /// <summary><c>guardrail_inspect</c></summary>
    GuardrailInspect = 7,

    /// <summary><c>configure</c>; written as 8, read as 0 or 8</summary>
    Configure = 8,
}
