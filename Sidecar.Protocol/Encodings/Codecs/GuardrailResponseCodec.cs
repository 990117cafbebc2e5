using System.Buffers;
using System.Text;
using System.Text.Json;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>A guardrail's findings, which travel inside an answer (spec §4.11, §5.5).</summary>
internal static class GuardrailResponseCodec
{
    private static readonly MemberTable Members = new(4, "detected", "confidence", "detections", "redacted_content");
    private static readonly MemberTable DetectionMembers = new(5, "category", "description", "severity", "confidence", "span");
    private static readonly MemberTable SpanMembers = new(2, "start", "end");

    /// <summary>Reads the JSON text of form 1.</summary>
    internal static GuardrailResponse FromJsonText(string json)
    {
        var r = new JsonValueReader(Encoding.UTF8.GetBytes(json)) { Member = "guardrail_response" };
        var response = Read(ref r);
        r.End();
        return response;
    }

    /// <summary>Reads form 2: an object, or a string with its JSON text.</summary>
    internal static GuardrailResponse FromJson(JsonElement value) =>
        FromJsonText(value.ValueKind == JsonValueKind.String ? value.GetString() ?? "" : value.GetRawText());

    /// <summary>The JSON text of form 1.</summary>
    internal static string ToJsonText(GuardrailResponse response)
    {
        // Its own writer, for the one of this thread is in use by the answer around it.
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            var w = new JsonValueWriter(json);
            Write(ref w, response);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    internal static GuardrailResponse Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        bool? detected = null;
        double confidence = 0;
        IReadOnlyList<GuardrailDetection> detections = [];
        string? redacted = null;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            _ = member switch
            {
                0 => detected is null ? r.Into(ref detected) : throw ProtocolErrors.Twice("guardrail_response", "detected"),
                1 => r.Into(ref confidence),
                2 => r.Into(out detections, r.ReadList(ReadDetection)),
                _ => r.Into(ref redacted),
            };
        }

        return new GuardrailResponse
        {
            Detected = detected ?? throw ProtocolErrors.Missing("guardrail_response", "detected"),
            Confidence = confidence,
            Detections = detections,
            RedactedContent = redacted,
        };
    }

    internal static void Write<TWriter>(ref TWriter w, GuardrailResponse response)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(response.RedactedContent is null ? 3 : 4);
        w.Member("detected"u8, response.Detected);
        w.Member("confidence"u8, response.Confidence);
        w.Member("detections"u8, response.Detections, WriteDetection);
        w.MemberIfAny("redacted_content"u8, response.RedactedContent);
        w.EndMap();
    }

    internal static GuardrailDetection ReadDetection<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        string? category = null;
        var description = "";
        var severity = GuardrailSeverity.Medium;
        double? confidence = null;
        TextSpan? span = null;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, DetectionMembers, out var member))
        {
            _ = member switch
            {
                0 => r.Into(ref category),
                1 => r.Into(ref description),
                2 => r.Into(out severity, SeverityOf(r.ReadString())),
                3 => r.Into(ref confidence),
                _ => r.Into(out span, ReadSpan(ref r)),
            };
        }

        return new GuardrailDetection
        {
            Category = category ?? throw ProtocolErrors.Missing("a detection", "category"),
            Description = description,
            Severity = severity,
            Confidence = confidence,
            Span = span,
        };
    }

    private static void WriteDetection<TWriter>(ref TWriter w, GuardrailDetection detection)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(3 + (detection.Confidence is null ? 0 : 1) + (detection.Span is null ? 0 : 1));
        w.Member("category"u8, detection.Category);
        w.Member("description"u8, detection.Description);
        w.Member("severity"u8, NameOf(detection.Severity));
        if (detection.Confidence is { } confidence)
        {
            w.Member("confidence"u8, confidence);
        }

        if (detection.Span is { } span)
        {
            w.Key("span"u8);
            w.BeginMap(2);
            w.Member("start"u8, span.Start);
            w.Member("end"u8, span.End);
            w.EndMap();
        }

        w.EndMap();
    }

    private static TextSpan ReadSpan<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        ulong start = 0, end = 0;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, SpanMembers, out var member))
        {
            _ = member == 0 ? r.Into(ref start) : r.Into(ref end);
        }

        return new TextSpan(start, end);
    }

    private static GuardrailSeverity SeverityOf(string name) => name switch
    {
        "low" => GuardrailSeverity.Low,
        "medium" => GuardrailSeverity.Medium,
        "high" => GuardrailSeverity.High,
        "critical" => GuardrailSeverity.Critical,
        _ => throw ProtocolErrors.Unknown("severity", name, "low, medium, high and critical"),
    };

    private static string NameOf(GuardrailSeverity severity) => severity switch
    {
        GuardrailSeverity.Low => "low",
        GuardrailSeverity.High => "high",
        GuardrailSeverity.Critical => "critical",
        _ => "medium",
    };
}
