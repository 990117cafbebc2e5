namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>GuardrailInspect (spec §4.8), and a guardrail's findings, which travel inside an answer (spec §4.11, §5.5).</summary>
internal static partial class Codec<TReader, TWriter>
{
    private static readonly WireNames<GuardrailInspectionType> InspectionTypes = new(
        ("prompt_injection", GuardrailInspectionType.PromptInjection), ("pii_detection", GuardrailInspectionType.PiiDetection));

    private static readonly WireNames<GuardrailSeverity> Severities = new(
        ("low", GuardrailSeverity.Low), ("medium", GuardrailSeverity.Medium),
        ("high", GuardrailSeverity.High), ("critical", GuardrailSeverity.Critical));

    private static readonly Shape<GuardrailInspectEvent> GuardrailInspect = new(
        "GuardrailInspect",
        new GuardrailInspectEvent { Content = "" },
        new("correlation_id", (ref r, m) => m with { CorrelationId = r.ReadCorrelationId() }, (ref w, m) => w.Id(m.CorrelationId)),
        new("inspection_type", (ref r, m) => m with { InspectionType = InspectionTypes.Parse("inspection_type", r.ReadString()) },
            (ref w, m) => w.String(InspectionTypes.Of(m.InspectionType)), IsRequired: true),
        new("content", (ref r, m) => m with { Content = r.ReadString() }, (ref w, m) => w.String(m.Content), IsRequired: true),
        new("model", (ref r, m) => m with { Model = r.ReadString() }, (ref w, m) => w.String(m.Model), OnlyIf: m => m.Model is not null),
        new("categories", (ref r, m) => m with { Categories = r.ReadStrings() }, (ref w, m) => w.Strings(m.Categories)),
        new("route_id", (ref r, m) => m with { RouteId = r.ReadString() },
            (ref w, m) => w.String(m.RouteId), OnlyIf: m => m.RouteId is not null),
        new("metadata", (ref r, m) => m with { Metadata = r.ReadTextMap() }, (ref w, m) => w.TextMap(m.Metadata)));

    private static readonly Shape<TextSpan> Span = new(
        "a span",
        default,
        new("start", (ref r, m) => m with { Start = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.Start)),
        new("end", (ref r, m) => m with { End = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.End)));

    private static readonly Shape<GuardrailDetection> Detection = new(
        "a detection",
        new GuardrailDetection { Category = "" },
        new("category", (ref r, m) => m with { Category = r.ReadString() }, (ref w, m) => w.String(m.Category), IsRequired: true),
        new("description", (ref r, m) => m with { Description = r.ReadString() }, (ref w, m) => w.String(m.Description)),
        new("severity", (ref r, m) => m with { Severity = Severities.Parse("severity", r.ReadString()) },
            (ref w, m) => w.String(Severities.Of(m.Severity))),
        new("confidence", (ref r, m) => m with { Confidence = r.ReadDouble() }, (ref w, m) => w.Double(m.Confidence.GetValueOrDefault()),
            OnlyIf: m => m.Confidence is not null),
        new("span", (ref r, m) => m with { Span = Span.Read(ref r) }, (ref w, m) => Span.Write(ref w, m.Span.GetValueOrDefault()),
            OnlyIf: m => m.Span is not null));

    internal static readonly Shape<GuardrailResponse> Findings = new(
        "guardrail_response",
        new GuardrailResponse(),
        new("detected", (ref r, m) => m with { Detected = r.ReadBoolean() },
            (ref w, m) => w.Boolean(m.Detected), IsRequired: true, IsOnce: true),
        new("confidence", (ref r, m) => m with { Confidence = r.ReadDouble() }, (ref w, m) => w.Double(m.Confidence)),
        new("detections", (ref r, m) => m with { Detections = r.ReadList(Detection.Read) },
            (ref w, m) => w.List(m.Detections, Detection.Write)),
        new("redacted_content", (ref r, m) => m with { RedactedContent = r.ReadString() }, (ref w, m) => w.String(m.RedactedContent),
            OnlyIf: m => m.RedactedContent is not null));
}
