using System.Text.Json;

namespace Sidecar.Protocol.Messages;

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
