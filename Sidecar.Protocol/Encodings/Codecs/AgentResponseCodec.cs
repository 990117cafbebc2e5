using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>AgentResponse: read in every form of spec §4.12, written with all ten members and the id twice (spec §4.10, §5.1).</summary>
internal static class AgentResponseCodec
{
    /// <summary>Where form 1 of a guardrail answer stands (spec §5.5).</summary>
    internal const string GuardrailKey = "guardrail_response";

    private const int FewestElements = 2;

    private static readonly MemberTable Members = new(
        10,
        "version",
        "decision",
        "request_headers",
        "response_headers",
        "routing_metadata",
        "audit",
        "needs_more",
        "request_body_mutation",
        "response_body_mutation",
        "websocket_decision",
        "correlation_id",
        "success",
        "error",
        "detected",
        "confidence",
        "detections",
        "redacted_content",
        "type",
        "payload");

    internal static AgentAnswer Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        var parts = default(AgentResponseParts);
        ReadInto(ref r, ref parts, insideEnvelope: false);
        r.End();
        return parts.Build();
    }

    internal static void Write<TWriter>(ref TWriter w, CorrelationId id, AgentResponse response)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(id.IsEmpty ? 10 : 11);
        w.Member("version"u8, response.Version);
        w.Key("decision"u8);
        DecisionCodec.Write(ref w, response.Decision);
        w.Member("request_headers"u8, response.RequestHeaders, HeaderOperationCodec.Write);
        w.Member("response_headers"u8, response.ResponseHeaders, HeaderOperationCodec.Write);
        w.Key("routing_metadata"u8);
        WriteRoutingMetadata(ref w, response);
        w.Key("audit"u8);
        AuditCodec.Write(ref w, response.Audit, id);
        w.Member("needs_more"u8, response.NeedsMore);
        w.Key("request_body_mutation"u8);
        BodyMutationCodec.Write(ref w, response.RequestBodyMutation);
        w.Key("response_body_mutation"u8);
        BodyMutationCodec.Write(ref w, response.ResponseBodyMutation);
        w.Key("websocket_decision"u8);
        WebSocketDecisionCodec.Write(ref w, response.WebSocketDecision);
        if (!id.IsEmpty)
        {
            w.Member("correlation_id"u8, id);
        }

        w.EndMap();
    }

    private static void ReadInto<TReader>(ref TReader r, ref AgentResponseParts parts, bool insideEnvelope)
        where TReader : struct, IValueReader, allows ref struct
    {
        string? envelope = null;
        var hasPayload = false;
        var scope = r.BeginStruct();
        while (r.NextOrNull(ref scope, Members, out var member))
        {
            // What an envelope holds may have a type of its own, which nobody reads.
            if (member != 17 || !insideEnvelope)
            {
                parts.Note(member, Members.Name(member));
            }

            if (r.Kind == ValueKind.Null && member != 1)
            {
                r.Skip();
            }
            else if (member == 17)
            {
                envelope = r.Kind == ValueKind.String ? r.ReadString() : Skipped(ref r);
            }
            else if (member == 18 && !insideEnvelope && r.Kind == ValueKind.Map)
            {
                hasPayload = true;
                ReadInto(ref r, ref parts, insideEnvelope: true);
            }
            else
            {
                ReadMember(ref r, ref parts, member);
            }
        }

        if (!scope.IsMap && scope.Position < FewestElements)
        {
            throw new ProtocolException($"the answer is a list of {scope.Position} elements; it must have at least {FewestElements}");
        }

        if (hasPayload && envelope is not ("response" or GuardrailKey))
        {
            throw ProtocolErrors.Unknown("type", envelope ?? "", "response and guardrail_response");
        }
    }

    private static bool ReadMember<TReader>(ref TReader r, ref AgentResponseParts parts, int member)
        where TReader : struct, IValueReader, allows ref struct => member switch
        {
            0 => r.Into(ref parts.Version),
            1 => r.Into(out parts.Decision, DecisionCodec.Read(ref r, ref parts.NeedsMore)),
            2 => r.Into(out parts.RequestHeaders, r.ReadList(HeaderOperationCodec.Read)),
            3 => r.Into(out parts.ResponseHeaders, r.ReadList(HeaderOperationCodec.Read)),
            4 => r.Into(out parts.RoutingMetadata, r.ReadTextMap()),
            5 => r.Into(out parts.Audit, AuditCodec.Read(ref r, ref parts.AuditId, ref parts.GuardrailInAudit)),
            6 => r.Into(out parts.NeedsMore, r.ReadBoolean() || parts.NeedsMore),
            7 => r.Into(out parts.RequestBodyMutation, BodyMutationCodec.Read(ref r)),
            8 => r.Into(out parts.ResponseBodyMutation, BodyMutationCodec.Read(ref r)),
            9 => r.Into(out parts.WebSocketDecision, WebSocketDecisionCodec.Read(ref r)),

            // Once the audit data gave an id, this one no longer matters (spec §5.1).
            10 when parts.AuditId.IsEmpty && r.Kind is (ValueKind.String or ValueKind.Binary) => r.Into(ref parts.TopLevelId),
            11 => r.Into(ref parts.Success),
            12 => r.Into(out parts.Error, r.ReadText()),
            13 => r.Into(ref parts.Detected),
            14 => r.Into(ref parts.Confidence),
            15 => r.Into(out parts.Detections, r.ReadList(GuardrailResponseCodec.ReadDetection)),
            16 => r.Into(ref parts.RedactedContent),
            _ => Skipped(ref r) is null,
        };

    private static void WriteRoutingMetadata<TWriter>(ref TWriter w, AgentResponse response)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        if (response.Guardrail is null)
        {
            w.TextMap(response.RoutingMetadata);
            return;
        }

        var replaces = response.RoutingMetadata.ContainsKey(GuardrailKey);
        w.BeginMap(response.RoutingMetadata.Count + (replaces ? 0 : 1));
        foreach (var (key, value) in response.RoutingMetadata)
        {
            if (!string.Equals(key, GuardrailKey, StringComparison.Ordinal))
            {
                w.Name(key);
                w.String(value);
            }
        }

        w.Member("guardrail_response"u8, GuardrailResponseCodec.ToJsonText(response.Guardrail));
        w.EndMap();
    }

    private static string? Skipped<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        r.Skip();
        return null;
    }
}
