using System.Text;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Audit data, which also carries the correlation id of an answer (spec §4.10, §5.1).</summary>
internal static partial class Codec<TReader, TWriter>
{
    private static readonly MemberTable AuditMembers = new(5, "tags", "rule_ids", "confidence", "reason_codes", "custom");

    /// <summary>Reads audit data.</summary>
    /// <param name="r">The reader.</param>
    /// <param name="id">Set to the id it carried, which is not part of the result.</param>
    /// <param name="guardrail">Set to the guardrail answer it carried, which is not part of the result (spec §5.5, rule 2).</param>
    private static AuditMetadata ReadAudit(ref TReader r, ref CorrelationId id, ref JsonElement? guardrail)
    {
        IReadOnlyList<string> tags = [], ruleIds = [], reasonCodes = [];
        float? confidence = null;
        var custom = EmptyMap.OfJson;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, AuditMembers, out var member))
        {
            _ = member switch
            {
                0 => Set(out tags, r.ReadStrings()),
                1 => Set(out ruleIds, r.ReadStrings()),
                2 => Set(out confidence, (float)r.ReadDouble()),
                3 => Set(out reasonCodes, r.ReadStrings()),
                _ => Set(out custom, ReadCustom(ref r, ref id, ref guardrail)),
            };
        }

        var empty = tags.Count == 0 && ruleIds.Count == 0 && confidence is null && reasonCodes.Count == 0 && custom.Count == 0;
        return empty
            ? AuditMetadata.Empty
            : new AuditMetadata { Tags = tags, RuleIds = ruleIds, Confidence = confidence, ReasonCodes = reasonCodes, Custom = custom };
    }

    private static void WriteAudit(ref TWriter w, AuditMetadata audit, CorrelationId id)
    {
        w.BeginMap(5);
        w.Member("tags"u8, audit.Tags);
        w.Member("rule_ids"u8, audit.RuleIds);
        w.Key("confidence"u8);
        w.SingleOrNull(audit.Confidence);
        w.Member("reason_codes"u8, audit.ReasonCodes);
        w.Key("custom"u8);
        WriteCustom(ref w, audit.Custom, id);
        w.EndMap();
    }

    private static IReadOnlyDictionary<string, JsonElement> ReadCustom(ref TReader r, ref CorrelationId id, ref JsonElement? guardrail)
    {
        Dictionary<string, JsonElement>? custom = null;
        var scope = r.BeginMap();
        while (r.NextKey(ref scope, out var key))
        {
            // An id that is no string is not recognised by the reference either; it stays what the agent made it.
            if (key.SequenceEqual("correlation_id"u8) && r.Kind is (ValueKind.String or ValueKind.Binary))
            {
                id = r.ReadCorrelationId();
            }
            else if (key.SequenceEqual("guardrail_response"u8))
            {
                guardrail = r.ReadJson();
            }
            else
            {
                var name = Encoding.UTF8.GetString(key);
                (custom ??= new Dictionary<string, JsonElement>(StringComparer.Ordinal))[name] = r.ReadJson();
            }
        }

        return custom ?? EmptyMap.OfJson;
    }

    private static void WriteCustom(ref TWriter w, IReadOnlyDictionary<string, JsonElement> custom, CorrelationId id)
    {
        // The id goes over a key of that name which a handler may have set (spec §5.1).
        var replaces = custom.Count > 0 && custom.ContainsKey("correlation_id");
        w.BeginMap(custom.Count - (replaces ? 1 : 0) + (id.IsEmpty ? 0 : 1));
        if (!id.IsEmpty)
        {
            w.Member("correlation_id"u8, id);
        }

        if (custom.Count > 0)
        {
            foreach (var (key, value) in custom)
            {
                if (!string.Equals(key, "correlation_id", StringComparison.Ordinal))
                {
                    w.Name(key);
                    w.JsonOrNull(value);
                }
            }
        }

        w.EndMap();
    }
}
