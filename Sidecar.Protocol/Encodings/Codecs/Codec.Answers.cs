namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>AgentResponse: read in every form of spec §4.12, written with all ten members and the id twice (spec §4.10, §5.1).</summary>
internal static partial class Codec<TReader, TWriter>
{
    private const int FewestAnswerElements = 2;
    private const int DecisionMember = 1;
    private const int EnvelopeType = 17;
    private const int EnvelopePayload = 18;

    private static readonly MemberTable AnswerMembers = new(
        10,
        "version", "decision", "request_headers", "response_headers", "routing_metadata", "audit", "needs_more",
        "request_body_mutation", "response_body_mutation", "websocket_decision",
        "correlation_id", "success", "error", "detected", "confidence", "detections", "redacted_content", "type", "payload");

    internal static AgentAnswer ReadAnswer(ref TReader r)
    {
        var parts = default(AgentResponseParts);
        ReadAnswer(ref r, ref parts, insideEnvelope: false);
        return parts.Build();
    }

    internal static void WriteAnswer(ref TWriter w, CorrelationId id, AgentResponse response)
    {
        w.BeginMap(id.IsEmpty ? 10 : 11);
        w.Member("version"u8, response.Version);
        w.Key("decision"u8);
        WriteDecision(ref w, response.Decision);
        w.Key("request_headers"u8);
        w.List(response.RequestHeaders, WriteHeaderOperation);
        w.Key("response_headers"u8);
        w.List(response.ResponseHeaders, WriteHeaderOperation);
        w.Key("routing_metadata"u8);
        WriteRoutingMetadata(ref w, response);
        w.Key("audit"u8);
        WriteAudit(ref w, response.Audit, id);
        w.Member("needs_more"u8, response.NeedsMore);
        w.Key("request_body_mutation"u8);
        Mutation.Write(ref w, response.RequestBodyMutation);
        w.Key("response_body_mutation"u8);
        Mutation.Write(ref w, response.ResponseBodyMutation);
        w.Key("websocket_decision"u8);
        WriteWebSocketDecision(ref w, response.WebSocketDecision);
        if (!id.IsEmpty)
        {
            w.Member("correlation_id"u8, id);
        }

        w.EndMap();
    }

    private static void ReadAnswer(ref TReader r, ref AgentResponseParts parts, bool insideEnvelope)
    {
        string? envelope = null;
        var hasPayload = false;
        var scope = r.BeginStruct();
        while (r.NextOrNull(ref scope, AnswerMembers, out var member))
        {
            // What an envelope holds may have a type of its own, which nobody reads.
            if (member != EnvelopeType || !insideEnvelope)
            {
                parts.Note(member, AnswerMembers.Name(member));
            }

            if (r.Kind == ValueKind.Null && member != DecisionMember)
            {
                r.Skip();
            }
            else if (member == EnvelopeType)
            {
                _ = r.Kind == ValueKind.String ? Set(out envelope, r.ReadString()) : Set(out envelope, null) && Skipped(ref r);
            }
            else if (member == EnvelopePayload && !insideEnvelope && r.Kind == ValueKind.Map)
            {
                hasPayload = true;
                ReadAnswer(ref r, ref parts, insideEnvelope: true);
            }
            else
            {
                ReadAnswerMember(ref r, ref parts, member);
            }
        }

        if (!scope.IsMap && scope.Position < FewestAnswerElements)
        {
            throw new ProtocolException($"the answer is a list of {scope.Position} elements; it must have at least {FewestAnswerElements}");
        }

        if (hasPayload && envelope is not ("response" or GuardrailText.Key))
        {
            throw ProtocolErrors.Unknown("type", envelope ?? "", "response and guardrail_response");
        }
    }

    private static bool ReadAnswerMember(ref TReader r, ref AgentResponseParts parts, int member) => member switch
    {
        0 => Set(out parts.Version, r.ReadUInt32()),
        DecisionMember => Set(out parts.Decision, ReadDecision(ref r, ref parts.NeedsMore)),
        2 => Set(out parts.RequestHeaders, r.ReadList(ReadHeaderOperation)),
        3 => Set(out parts.ResponseHeaders, r.ReadList(ReadHeaderOperation)),
        4 => Set(out parts.RoutingMetadata, r.ReadTextMap()),
        5 => Set(out parts.Audit, ReadAudit(ref r, ref parts.AuditId, ref parts.GuardrailInAudit)),
        6 => Set(out parts.NeedsMore, r.ReadBoolean() || parts.NeedsMore),
        7 => Set(out parts.RequestBodyMutation, Mutation.Read(ref r)),
        8 => Set(out parts.ResponseBodyMutation, Mutation.Read(ref r)),
        9 => Set(out parts.WebSocketDecision, ReadWebSocketDecision(ref r)),

        // Once the audit data gave an id, this one no longer matters (spec §5.1).
        10 when parts.AuditId.IsEmpty && r.Kind is (ValueKind.String or ValueKind.Binary) =>
            Set(out parts.TopLevelId, r.ReadCorrelationId()),
        11 => Set(out parts.Success, r.ReadBoolean()),
        12 => Set(out parts.Error, r.ReadText()),
        13 => Set(out parts.Detected, r.ReadBoolean()),
        14 => Set(out parts.Confidence, r.ReadDouble()),
        15 => Set(out parts.Detections, r.ReadList(Detection.Read)),
        16 => Set(out parts.RedactedContent, r.ReadString()),
        _ => Skipped(ref r),
    };

    private static void WriteRoutingMetadata(ref TWriter w, AgentResponse response)
    {
        if (response.Guardrail is null)
        {
            w.TextMap(response.RoutingMetadata);
            return;
        }

        var replaces = response.RoutingMetadata.ContainsKey(GuardrailText.Key);
        w.BeginMap(response.RoutingMetadata.Count + (replaces ? 0 : 1));
        foreach (var (key, value) in response.RoutingMetadata)
        {
            if (!string.Equals(key, GuardrailText.Key, StringComparison.Ordinal))
            {
                w.Name(key);
                w.String(value);
            }
        }

        w.Member("guardrail_response"u8, GuardrailText.Write(response.Guardrail));
        w.EndMap();
    }

    private static bool Skipped(ref TReader r)
    {
        r.Skip();
        return true;
    }
}
