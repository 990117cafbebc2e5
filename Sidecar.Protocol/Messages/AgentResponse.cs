using System.Collections.Frozen;

namespace Sidecar.Protocol.Messages;

/// <summary>An agent's answer to one event (spec §4.10).</summary>
public sealed record AgentResponse
{
    /// <summary>
    /// The plain allow. Decoders return this very object for an answer that says nothing else, so the common case allocates nothing.
    /// </summary>
    public static AgentResponse Allow { get; } = new();

    /// <summary>Protocol version of the answer, 1 or 2.</summary>
    public uint Version { get; init; } = ProtocolConstants.Version;

    /// <summary>The decision. Provisional while <see cref="NeedsMore"/> is set on a body event.</summary>
    public Decision Decision { get; init; } = Decision.Allow;

    /// <summary>Changes of the request's headers, in order.</summary>
    public IReadOnlyList<HeaderOperation> RequestHeaders { get; init; } = [];

    /// <summary>Changes of the response's headers, in order.</summary>
    public IReadOnlyList<HeaderOperation> ResponseHeaders { get; init; } = [];

    /// <summary>Hints for routing.</summary>
    public IReadOnlyDictionary<string, string> RoutingMetadata { get; init; } = EmptyMap.OfStrings;

    /// <summary>Why.</summary>
    public AuditMetadata Audit { get; init; } = AuditMetadata.Empty;

    /// <summary>True while the agent needs more of the body before its decision counts (spec §5.4).</summary>
    public bool NeedsMore { get; init; }

    /// <summary>A change of request body bytes.</summary>
    public BodyMutation? RequestBodyMutation { get; init; }

    /// <summary>A change of response body bytes.</summary>
    public BodyMutation? ResponseBodyMutation { get; init; }

    /// <summary>The answer to a WebSocket frame.</summary>
    public WebSocketDecision? WebSocketDecision { get; init; }

    /// <summary>The answer to a guardrail inspection, wherever in the message the agent put it (spec §5.5, rules 1 to 4).</summary>
    public GuardrailResponse? Guardrail { get; init; }
}

/// <summary>A change of body bytes (spec §5.4).</summary>
/// <param name="Data">Null passes the original, empty drops it, anything else replaces it. Never base64.</param>
/// <param name="ChunkIndex">
/// The piece it is about; 0 on the last event of an agent that held every earlier piece means the whole body.
/// </param>
public sealed record BodyMutation(ReadOnlyMemory<byte>? Data, uint ChunkIndex = 0);

/// <summary>Why an agent decided as it did, for logs and people (spec §4.10). The correlation id is not part of it.</summary>
public sealed record AuditMetadata
{
    /// <summary>Nothing said.</summary>
    public static AuditMetadata Empty { get; } = new();

    /// <summary>Free labels.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Rules that matched.</summary>
    public IReadOnlyList<string> RuleIds { get; init; } = [];

    /// <summary>0 to 1, or null when the agent does not say.</summary>
    public float? Confidence { get; init; }

    /// <summary>Machine-readable reasons.</summary>
    public IReadOnlyList<string> ReasonCodes { get; init; } = [];

    /// <summary>Anything else.</summary>
    public IReadOnlyDictionary<string, JsonElement> Custom { get; init; } = EmptyMap.OfJson;
}

/// <summary>The empty maps that messages share, so that "nothing said" costs nothing and is recognised by reference.</summary>
internal static class EmptyMap
{
    internal static readonly IReadOnlyDictionary<string, string> OfStrings = FrozenDictionary<string, string>.Empty;

    internal static readonly IReadOnlyDictionary<string, JsonElement> OfJson = FrozenDictionary<string, JsonElement>.Empty;
}
