namespace Sidecar.Protocol.Agents;

/// <summary>Reason codes of the blocks that the server answers by itself, so that the asker's failure policy can tell them from decisions.</summary>
public static class ReasonCodes
{
    /// <summary>The event could not be decoded.</summary>
    public const string UndecodableEvent = "undecodable_event";

    /// <summary>The handler threw.</summary>
    public const string HandlerError = "handler_error";

    /// <summary>The call was cancelled before the handler answered.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>More events were outstanding than the server takes.</summary>
    public const string Overloaded = "overloaded";

    /// <summary>The handler's answer could not be encoded.</summary>
    public const string UnencodableAnswer = "unencodable_answer";
}
