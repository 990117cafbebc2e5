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
            _ = member switch
            {
                0 => r.Into(ref id),
                1 => r.Into(out type, TypeOf(r.ReadString())),
                2 => r.Into(ref content),
                3 => r.Into(ref model),
                4 => r.Into(ref categories),
                5 => r.Into(ref routeId),
                _ => r.Into(out metadata, r.ReadTextMap()),
            };
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
        w.Member("correlation_id"u8, message.CorrelationId);
        w.Member("inspection_type"u8, message.InspectionType == GuardrailInspectionType.PromptInjection ? PromptInjection : PiiDetection);
        w.Member("content"u8, message.Content);
        w.MemberIfAny("model"u8, message.Model);
        w.Member("categories"u8, message.Categories);
        w.MemberIfAny("route_id"u8, message.RouteId);
        w.Member("metadata"u8, message.Metadata);
        w.EndMap();
    }

    private static GuardrailInspectionType TypeOf(string name) => name switch
    {
        PromptInjection => GuardrailInspectionType.PromptInjection,
        PiiDetection => GuardrailInspectionType.PiiDetection,
        _ => throw ProtocolErrors.Unknown("inspection_type", name, $"{PromptInjection} and {PiiDetection}"),
    };
}
