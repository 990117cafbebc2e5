using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration;

/// <summary>Events as operators write them: the names of the protocol, with dashes, and short forms (spec §1.3).</summary>
internal static class EventNames
{
    /// <summary>The names that help and messages show.</summary>
    public const string Known = Single + ", all";

    /// <summary>Those of single events.</summary>
    public const string Single = "request-headers, request-body, response-headers, response-body, request-complete, websocket-frame, guardrail";

    /// <summary>Reads one name; dashes and underscores are one.</summary>
    public static bool TryParse(string name, out EventSet events)
    {
        events = name.Replace('_', '-') switch
        {
            "request-headers" => EventSet.RequestHeaders,
            "request-body" or "request-body-chunk" => EventSet.RequestBodyChunk,
            "response-headers" => EventSet.ResponseHeaders,
            "response-body" or "response-body-chunk" => EventSet.ResponseBodyChunk,
            "request-complete" or "log" => EventSet.RequestComplete,
            "websocket-frame" or "web-socket-frame" => EventSet.WebSocketFrame,
            "guardrail" or "guardrail-inspect" => EventSet.GuardrailInspect,
            "all" => EventSet.All,
            _ => EventSet.None,
        };
        return events != EventSet.None;
    }

    /// <summary>The name of a single event.</summary>
    public static string Of(EventKind kind) => kind switch
    {
        EventKind.RequestHeaders => "request-headers",
        EventKind.RequestBodyChunk => "request-body",
        EventKind.ResponseHeaders => "response-headers",
        EventKind.ResponseBodyChunk => "response-body",
        EventKind.RequestComplete => "request-complete",
        EventKind.WebSocketFrame => "websocket-frame",
        EventKind.GuardrailInspect => "guardrail",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "operators do not name it"),
    };
}
