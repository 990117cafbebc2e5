using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration;

/// <summary>Events as operators write them: the names of the protocol, with dashes, and short forms (spec §1.3).</summary>
internal static class EventNames
{
    /// <summary>The names that help and messages show.</summary>
    public const string Known = Single + ", all";

    /// <summary>Those of single events.</summary>
    public const string Single = "request-headers, request-body, response-headers, response-body, request-complete, websocket-frame, "
        + "guardrail";

    // The first of each is the one that is shown.
    private static readonly (EventKind Kind, string[] Names)[] All =
    [
        (EventKind.RequestHeaders, ["request-headers"]),
        (EventKind.RequestBodyChunk, ["request-body", "request-body-chunk"]),
        (EventKind.ResponseHeaders, ["response-headers"]),
        (EventKind.ResponseBodyChunk, ["response-body", "response-body-chunk"]),
        (EventKind.RequestComplete, ["request-complete", "log"]),
        (EventKind.WebSocketFrame, ["websocket-frame", "web-socket-frame"]),
        (EventKind.GuardrailInspect, ["guardrail", "guardrail-inspect"]),
    ];

    /// <summary>The event of a name, in which dashes and underscores are one; none when it names no single event.</summary>
    public static EventKind KindOf(string name) => Array.Find(All, one => one.Names.Contains(name.Replace('_', '-'))).Kind;

    /// <summary>The name of a single event.</summary>
    public static string Of(EventKind kind) => All.First(one => one.Kind == kind).Names[0];
}
