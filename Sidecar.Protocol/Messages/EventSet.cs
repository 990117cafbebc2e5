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

/// <summary>A set of event kinds.</summary>
[Flags]
public enum EventSet
{
    /// <summary>No event.</summary>
    None = 0,

    /// <summary>Request headers.</summary>
    RequestHeaders = 1 << EventKind.RequestHeaders,

    /// <summary>Request body.</summary>
    RequestBodyChunk = 1 << EventKind.RequestBodyChunk,

    /// <summary>Response headers.</summary>
    ResponseHeaders = 1 << EventKind.ResponseHeaders,

    /// <summary>Response body.</summary>
    ResponseBodyChunk = 1 << EventKind.ResponseBodyChunk,

    /// <summary>End of the exchange.</summary>
    RequestComplete = 1 << EventKind.RequestComplete,

    /// <summary>WebSocket frames.</summary>
    WebSocketFrame = 1 << EventKind.WebSocketFrame,

    /// <summary>Guardrail inspections.</summary>
    GuardrailInspect = 1 << EventKind.GuardrailInspect,

    /// <summary>Configuration.</summary>
    Configure = 1 << EventKind.Configure,

    /// <summary>Every event.</summary>
    All = RequestHeaders | RequestBodyChunk | ResponseHeaders | ResponseBodyChunk
        | RequestComplete | WebSocketFrame | GuardrailInspect | Configure,
}

/// <summary>Questions about event kinds and sets.</summary>
public static class EventKinds
{
    /// <summary>The kind of an event's frame type; <see cref="EventKind.None"/> for a type that is no event.</summary>
    public static EventKind Of(MessageType type) =>
        type is >= MessageType.RequestHeaders and <= MessageType.Configure
            ? (EventKind)(type - MessageType.RequestHeaders + 1)
            : EventKind.None;

    /// <summary>
    /// The kind with a number in a handshake: the reference's proxy knows Configure as 0, everybody's agents write 8 (spec §3.3).
    /// </summary>
    internal static EventKind OfNumber(long number) => number switch
    {
        0 => EventKind.Configure,
        >= (long)EventKind.RequestHeaders and <= (long)EventKind.Configure => (EventKind)number,
        _ => EventKind.None,
    };

    /// <summary>The kinds in a set.</summary>
    internal static IReadOnlyList<EventKind> In(EventSet set) => [.. Enum.GetValues<EventKind>().Where(kind => set.Has(kind))];

    /// <summary>The set with this one kind.</summary>
    public static EventSet AsSet(this EventKind kind) => kind == EventKind.None ? EventSet.None : (EventSet)(1 << (int)kind);

    /// <summary>Whether a kind is in a set.</summary>
    public static bool Has(this EventSet set, EventKind kind) => (set & kind.AsSet()) != 0;
}
