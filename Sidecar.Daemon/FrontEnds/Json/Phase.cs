namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>What a question is about (proxy integration §6.2).</summary>
internal enum Phase
{
    /// <summary>The request's line and headers; its body comes later or never.</summary>
    RequestHeaders,

    /// <summary>The request with its body, or one part of that.</summary>
    Request,

    /// <summary>The response's status and headers; its body comes later or never.</summary>
    ResponseHeaders,

    /// <summary>The response with its body, or one part of that.</summary>
    Response,
}

/// <summary>Names of phases.</summary>
internal static class Phases
{
    /// <summary>The phase of a name; null when there is none of it.</summary>
    public static Phase? Of(string name) => name switch
    {
        "request_headers" => Phase.RequestHeaders,
        "request" => Phase.Request,
        "response_headers" => Phase.ResponseHeaders,
        "response" => Phase.Response,
        _ => null,
    };

    /// <summary>Whether a phase is about the response.</summary>
    public static bool IsOfResponse(this Phase phase) => phase >= Phase.ResponseHeaders;

    /// <summary>Whether a phase carries a body.</summary>
    public static bool HasBody(this Phase phase) => phase is Phase.Request or Phase.Response;
}
