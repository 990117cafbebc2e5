using System.Text.Json.Nodes;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>
/// Guardrail inspections (spec §7.4): what the wire has no field for stands in <c>context_json</c>, a convention of ours.
/// </summary>
internal static class GuardrailMapping
{
    private const int Prompt = 1;
    private const int Response = 2;
    private const string PromptInjection = "prompt_injection";
    private const string PiiDetection = "pii_detection";

    public static Wire.GuardrailInspectEvent ToWire(GuardrailInspectEvent e)
    {
        var isPrompt = e.InspectionType == GuardrailInspectionType.PromptInjection;
        var context = new JsonObject
        {
            ["inspection_type"] = isPrompt ? PromptInjection : PiiDetection,
            ["categories"] = new JsonArray([.. e.Categories.Select(static category => (JsonNode)category)]),
            ["metadata"] = new JsonObject(e.Metadata.Select(static entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value))),
        };
        if (e.RouteId is { } route)
        {
            context["route_id"] = route;
        }

        return Optional.Set(
            new Wire.GuardrailInspectEvent
            {
                CorrelationId = e.CorrelationId.ToString(),
                Content = e.Content,
                ContentType = isPrompt ? Prompt : Response,
                ContextJson = context.ToJsonString(),
            },
            e.Model,
            static (to, value) => to.Model = value);
    }

    /// <summary>The inspection as it was meant. A context that is no object of ours says nothing.</summary>
    /// <exception cref="JsonException">The context is not JSON.</exception>
    public static GuardrailInspectEvent FromWire(Wire.GuardrailInspectEvent e)
    {
        using var document = e.ContextJson.Length == 0 ? null : JsonDocument.Parse(e.ContextJson);
        var context = document?.RootElement is { ValueKind: JsonValueKind.Object } root ? root : default;
        var isResponse = Member(context, "inspection_type", JsonValueKind.String) is { } type
            ? type.ValueEquals(PiiDetection)
            : e.ContentType == Response;
        return new GuardrailInspectEvent
        {
            CorrelationId = CorrelationId.Parse(e.CorrelationId),
            InspectionType = isResponse ? GuardrailInspectionType.PiiDetection : GuardrailInspectionType.PromptInjection,
            Content = e.Content,
            Model = e.HasModel ? e.Model : null,
            RouteId = Member(context, "route_id", JsonValueKind.String)?.GetString(),
            Categories = Member(context, "categories", JsonValueKind.Array) is { } categories
                ? [.. categories.EnumerateArray()
                    .Where(static item => item.ValueKind == JsonValueKind.String).Select(static item => item.GetString()!)]
                : [],
            Metadata = Member(context, "metadata", JsonValueKind.Object) is { } metadata
                ? metadata.EnumerateObject().GroupBy(static entry => entry.Name, StringComparer.Ordinal)
                    .ToDictionary(static group => group.Key, static group => Text(group.Last().Value), StringComparer.Ordinal)
                : EmptyMap.OfStrings,
        };
    }

    private static JsonElement? Member(JsonElement context, string name, JsonValueKind kind) =>
        context.ValueKind == JsonValueKind.Object && context.TryGetProperty(name, out var member) && member.ValueKind == kind
            ? member
            : null;

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
}
