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
        w.Key("version"u8);
        w.UInt64(response.Version);
        w.Key("decision"u8);
        DecisionCodec.Write(ref w, response.Decision);
        w.Key("request_headers"u8);
        HeaderOperationCodec.WriteList(ref w, response.RequestHeaders);
        w.Key("response_headers"u8);
        HeaderOperationCodec.WriteList(ref w, response.ResponseHeaders);
        w.Key("routing_metadata"u8);
        WriteRoutingMetadata(ref w, response);
        w.Key("audit"u8);
        AuditCodec.Write(ref w, response.Audit, id);
        w.Key("needs_more"u8);
        w.Boolean(response.NeedsMore);
        w.Key("request_body_mutation"u8);
        BodyMutationCodec.Write(ref w, response.RequestBodyMutation);
        w.Key("response_body_mutation"u8);
        BodyMutationCodec.Write(ref w, response.ResponseBodyMutation);
        w.Key("websocket_decision"u8);
        WebSocketDecisionCodec.Write(ref w, response.WebSocketDecision);
        if (!id.IsEmpty)
        {
            w.Key("correlation_id"u8);
            w.Id(id);
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

    private static void ReadMember<TReader>(ref TReader r, ref AgentResponseParts parts, int member)
        where TReader : struct, IValueReader, allows ref struct
    {
        switch (member)
        {
            case 0:
                parts.Version = r.ReadUInt32();
                break;
            case 1:
                parts.Decision = DecisionCodec.Read(ref r, ref parts.NeedsMore);
                break;
            case 2:
                parts.RequestHeaders = HeaderOperationCodec.ReadList(ref r);
                break;
            case 3:
                parts.ResponseHeaders = HeaderOperationCodec.ReadList(ref r);
                break;
            case 4:
                parts.RoutingMetadata = r.ReadTextMap();
                break;
            case 5:
                parts.Audit = AuditCodec.Read(ref r, ref parts.AuditId, ref parts.GuardrailInAudit);
                break;
            case 6:
                parts.NeedsMore |= r.ReadBoolean();
                break;
            case 7:
                parts.RequestBodyMutation = BodyMutationCodec.Read(ref r);
                break;
            case 8:
                parts.ResponseBodyMutation = BodyMutationCodec.Read(ref r);
                break;
            case 9:
                parts.WebSocketDecision = WebSocketDecisionCodec.Read(ref r);
                break;
            case 10 when parts.AuditId.IsEmpty && r.Kind is (ValueKind.String or ValueKind.Binary):
                // Once the audit data gave an id, this one no longer matters (spec §5.1).
                parts.TopLevelId = r.ReadCorrelationId();
                break;
            case 11:
                parts.Success = r.ReadBoolean();
                break;
            case 12:
                parts.Error = r.ReadText();
                break;
            case 13:
                parts.Detected = r.ReadBoolean();
                break;
            case 14:
                parts.Confidence = r.ReadDouble();
                break;
            case 15:
                parts.Detections = GuardrailResponseCodec.ReadDetections(ref r);
                break;
            case 16:
                parts.RedactedContent = r.ReadString();
                break;
            default:
                r.Skip();
                break;
        }
    }

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

        w.Key("guardrail_response"u8);
        w.String(GuardrailResponseCodec.ToJsonText(response.Guardrail));
        w.EndMap();
    }

    private static string? Skipped<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        r.Skip();
        return null;
    }
}
