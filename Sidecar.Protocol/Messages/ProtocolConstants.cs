namespace Sidecar.Protocol.Messages;

/// <summary>Numbers and names of the agent protocol v2 (spec §1, §3).</summary>
public static class ProtocolConstants
{
    /// <summary>The protocol version spoken here.</summary>
    public const uint Version = 2;

    /// <summary>Name of the JSON encoding in a handshake.</summary>
    public const string Json = "json";

    /// <summary>Name of the MessagePack encoding in a handshake.</summary>
    public const string MessagePack = "msgpack";
}

/// <summary>
/// Reason codes of the blocks that an agent's server answers by itself, so that the asker's failure policy can tell them from decisions
/// (spec §5.6).
/// </summary>
public static class ReasonCodes
{
    /// <summary>The event could not be decoded.</summary>
    public const string UndecodableEvent = "undecodable_event";

    /// <summary>The handler threw.</summary>
    public const string HandlerError = "handler_error";

    /// <summary>The call was cancelled before the handler answered.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>More events were outstanding than the server takes. Our own reads no further instead; others may say so.</summary>
    public const string Overloaded = "overloaded";

    /// <summary>The handler's answer could not be encoded.</summary>
    public const string UnencodableAnswer = "unencodable_answer";

    /// <summary>Whether an answer says that no decision could be made, rather than what was decided.</summary>
    public static bool IsFailure(AgentResponse response) =>
        response.Decision is BlockDecision
        && response.Audit.ReasonCodes is [UndecodableEvent or HandlerError or Cancelled or Overloaded or UnencodableAnswer];
}
