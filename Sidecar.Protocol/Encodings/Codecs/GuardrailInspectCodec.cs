using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>GuardrailInspect (spec §4.8).</summary>
internal static class GuardrailInspectCodec
{
    private const string PromptInjection = "prompt_injection";
    private const string PiiDetection = "pii_detection";

    private static readonly MemberTable Members = new(
        7, "correlation_id", "inspection_type", "content", "model", "categories", "route_id", "metadata");

    internal static GuardrailInspectEvent Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        CorrelationId id = default;
        GuardrailInspectionType? type = null;
        string? content = null, model = null, routeId = null;
        IReadOnlyList<string> categories = [];
        var metadata = EmptyMap.OfStrings;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            switch (member)
            {
                case 0:
                    id = r.ReadCorrelationId();
                    break;
                case 1:
                    type = TypeOf(r.ReadString());
                    break;
                case 2:
                    content = r.ReadString();
                    break;
                case 3:
                    model = r.ReadString();
                    break;
                case 4:
                    categories = r.ReadStrings();
                    break;
                case 5:
                    routeId = r.ReadString();
                    break;
                case 6:
                    metadata = r.ReadTextMap();
                    break;
            }
        }

        return new GuardrailInspectEvent
        {
            CorrelationId = id,
            InspectionType = type ?? throw ProtocolErrors.Missing("GuardrailInspect", "inspection_type"),
            Content = content ?? throw ProtocolErrors.Missing("GuardrailInspect", "content"),
            Model = model,
            Categories = categories,
            RouteId = routeId,
            Metadata = metadata,
        };
    }

    internal static void Write<TWriter>(ref TWriter w, GuardrailInspectEvent message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(5 + (message.Model is null ? 0 : 1) + (message.RouteId is null ? 0 : 1));
        w.Key("correlation_id"u8);
        w.Id(message.CorrelationId);
        w.Key("inspection_type"u8);
        w.String(message.InspectionType == GuardrailInspectionType.PromptInjection ? PromptInjection : PiiDetection);
        w.Key("content"u8);
        w.String(message.Content);
        if (message.Model is not null)
        {
            w.Key("model"u8);
            w.String(message.Model);
        }

        w.Key("categories"u8);
        w.Strings(message.Categories);
        if (message.RouteId is not null)
        {
            w.Key("route_id"u8);
            w.String(message.RouteId);
        }

        w.Key("metadata"u8);
        w.TextMap(message.Metadata);
        w.EndMap();
    }

    private static GuardrailInspectionType TypeOf(string name) => name switch
    {
        PromptInjection => GuardrailInspectionType.PromptInjection,
        PiiDetection => GuardrailInspectionType.PiiDetection,
        _ => throw ProtocolErrors.Unknown("inspection_type", name, $"{PromptInjection} and {PiiDetection}"),
    };
}
