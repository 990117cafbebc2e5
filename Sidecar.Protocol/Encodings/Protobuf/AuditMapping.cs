using System.Text.Json.Serialization;
using Sidecar.Protocol.Encodings.Codecs;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>
/// Audit data (spec §7.4): <c>custom</c> holds texts only, so strings stand as they are and everything else as its JSON text.
/// </summary>
internal static class AuditMapping
{
    /// <summary>
    /// The audit data as it is sent, with a guardrail's findings in it (spec §7.5, a convention of ours); null when there is nothing to
    /// say.
    /// </summary>
    public static Wire.AuditMetadata? ToWire(AuditMetadata audit, GuardrailResponse? guardrail)
    {
        if (guardrail is null && ReferenceEquals(audit, AuditMetadata.Empty))
        {
            return null;
        }

        var wire = new Wire.AuditMetadata { Tags = { audit.Tags }, RuleIds = { audit.RuleIds }, ReasonCodes = { audit.ReasonCodes } };
        Optional.Set(wire, audit.Confidence, static (to, value) => to.Confidence = value);
        foreach (var (key, value) in audit.Custom)
        {
            wire.Custom[key] = value.ValueKind switch
            {
                JsonValueKind.String => value.GetString()!,
                JsonValueKind.Undefined => "null",
                _ => value.GetRawText(),
            };
        }

        if (guardrail is not null)
        {
            wire.Custom[GuardrailText.Key] = GuardrailText.Write(guardrail);
        }

        return wire;
    }

    /// <summary>The audit data as it was meant.</summary>
    /// <param name="wire">What came; null for nothing.</param>
    /// <param name="guardrail">A guardrail's findings, which are not part of the result.</param>
    /// <exception cref="Encodings.ProtocolException">The findings are none.</exception>
    /// <exception cref="JsonException">The findings are not JSON.</exception>
    public static AuditMetadata FromWire(Wire.AuditMetadata? wire, out GuardrailResponse? guardrail)
    {
        guardrail = null;
        if (wire is null)
        {
            return AuditMetadata.Empty;
        }

        Dictionary<string, JsonElement>? custom = null;
        foreach (var (key, text) in wire.Custom)
        {
            switch (key)
            {
                case GuardrailText.Key:
                    guardrail = GuardrailText.Read(ValueOf(text));
                    break;

                // Where the reference's own SDK keeps the id; here it has a field.
                case "correlation_id":
                    break;

                default:
                    (custom ??= new Dictionary<string, JsonElement>(StringComparer.Ordinal))[key] = ValueOf(text);
                    break;
            }
        }

        var isEmpty = wire is { Tags.Count: 0, RuleIds.Count: 0, ReasonCodes.Count: 0, HasConfidence: false } && custom is null;
        return isEmpty ? AuditMetadata.Empty : new AuditMetadata
        {
            Tags = [.. wire.Tags],
            RuleIds = [.. wire.RuleIds],
            ReasonCodes = [.. wire.ReasonCodes],
            Confidence = wire.HasConfidence ? wire.Confidence : null,
            Custom = custom ?? EmptyMap.OfJson,
        };
    }

    // The reference writes JSON texts, others write texts: what cannot be JSON is taken as it stands.
    private static JsonElement ValueOf(string text)
    {
        if (text.Length > 0 && (text[0] is '"' or '{' or '[' or '-' || char.IsAsciiDigit(text[0]) || text is "true" or "false"))
        {
            try
            {
                using var document = JsonDocument.Parse(text);
                return FreeJson.Repaired(document.RootElement.Clone());
            }
            catch (JsonException)
            {
                // A text that only begins like JSON.
            }
        }

        return JsonSerializer.SerializeToElement(text, JsonOfText.Default.String);
    }
}

[JsonSerializable(typeof(string))]
internal sealed partial class JsonOfText : JsonSerializerContext;
