using System.Runtime.InteropServices;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>What was found in an answer, before it is known which of the forms it is. A struct: a plain allow makes no object.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct AgentResponseParts
{
    private uint _seen;
    internal uint? Version;
    internal Decision? Decision;
    internal IReadOnlyList<HeaderOperation>? RequestHeaders;
    internal IReadOnlyList<HeaderOperation>? ResponseHeaders;
    internal IReadOnlyDictionary<string, string>? RoutingMetadata;
    internal AuditMetadata? Audit;
    internal bool NeedsMore;
    internal BodyMutation? RequestBodyMutation;
    internal BodyMutation? ResponseBodyMutation;
    internal WebSocketDecision? WebSocketDecision;
    internal CorrelationId AuditId;
    internal CorrelationId TopLevelId;
    internal JsonElement? GuardrailInAudit;
    internal bool? Success;
    internal string? Error;
    internal bool? Detected;
    internal double Confidence;
    internal IReadOnlyList<GuardrailDetection>? Detections;
    internal string? RedactedContent;

    /// <summary>Notes that a member has come.</summary>
    /// <exception cref="ProtocolException">It has come before, here or around the envelope.</exception>
    internal void Note(int member, string name)
    {
        var bit = 1u << member;
        if ((_seen & bit) != 0)
        {
            throw ProtocolErrors.Twice("the answer", name);
        }

        _seen |= bit;
    }

    internal readonly AgentAnswer Build()
    {
        var id = AuditId.IsEmpty ? TopLevelId : AuditId;
        return new AgentAnswer(id, IsPlainAllow() ? AgentResponse.Allow : BuildResponse());
    }

    private readonly bool IsPlainAllow() =>
        Decision is null or AllowDecision
        && (Version ?? ProtocolConstants.Version) == ProtocolConstants.Version
        && !NeedsMore
        && (RequestHeaders?.Count ?? 0) == 0
        && (ResponseHeaders?.Count ?? 0) == 0
        && (RoutingMetadata?.Count ?? 0) == 0
        && (Audit is null || ReferenceEquals(Audit, AuditMetadata.Empty))
        && RequestBodyMutation is null
        && ResponseBodyMutation is null
        && WebSocketDecision is null
        && GuardrailInAudit is null
        && Success is not false
        && Detected is null;

    private readonly AgentResponse BuildResponse()
    {
        var guardrail = ResolveGuardrail(out var routing);
        return new AgentResponse
        {
            Version = Version ?? ProtocolConstants.Version,
            Decision = Decision ?? (Success is false ? Refused() : Messages.Decision.Allow),
            RequestHeaders = RequestHeaders ?? [],
            ResponseHeaders = ResponseHeaders ?? [],
            RoutingMetadata = routing,
            Audit = Audit ?? AuditMetadata.Empty,
            NeedsMore = NeedsMore,
            RequestBodyMutation = RequestBodyMutation,
            ResponseBodyMutation = ResponseBodyMutation,
            WebSocketDecision = WebSocketDecision,
            Guardrail = guardrail,
        };
    }

    /// <summary>SDKs answer configure and request_complete with a plain success or failure (spec §4.12).</summary>
    private readonly BlockDecision Refused() => new(500, Error ?? "the agent reported a failure without a reason");

    /// <summary>Spec §5.5, rules 1 to 4, of which the last is the third inside an envelope.</summary>
    private readonly GuardrailResponse? ResolveGuardrail(out IReadOnlyDictionary<string, string> routing)
    {
        routing = RoutingMetadata ?? EmptyMap.OfStrings;
        if (routing.Count > 0 && routing.TryGetValue(GuardrailText.Key, out var json))
        {
            var rest = new Dictionary<string, string>(routing, StringComparer.Ordinal);
            rest.Remove(GuardrailText.Key);
            routing = rest.Count > 0 ? rest : EmptyMap.OfStrings;
            return GuardrailText.Read(json);
        }

        if (GuardrailInAudit is { ValueKind: not JsonValueKind.Null } inAudit)
        {
            return GuardrailText.Read(inAudit);
        }

        return Detected is not { } detected
            ? null
            : new GuardrailResponse
            {
                Detected = detected,
                Confidence = Confidence,
                Detections = Detections ?? [],
                RedactedContent = RedactedContent,
            };
    }
}
