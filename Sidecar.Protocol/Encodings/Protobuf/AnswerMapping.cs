using Google.Protobuf.Collections;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>Answers (spec §7.3, §7.5). An answer that the wire cannot carry whole is not carried at all.</summary>
internal static class AnswerMapping
{
    private const ushort DefaultBlockStatus = 403;
    private const ushort DefaultRedirectStatus = 302;

    /// <summary>The answer as it is sent.</summary>
    /// <exception cref="ProtocolException">
    /// It says something that has no field: a body mutation, a dropped WebSocket frame, routing hints.
    /// </exception>
    public static Wire.AgentResponse ToWire(CorrelationId id, AgentResponse response)
    {
        RefuseWhatHasNoField(response);
        var wire = new Wire.AgentResponse
        {
            CorrelationId = id.ToString(),
            NeedsMore = response.NeedsMore,
            RequestHeaders = { response.RequestHeaders.Select(ToWire) },
            ResponseHeaders = { response.ResponseHeaders.Select(ToWire) },
            Audit = AuditMapping.ToWire(response.Audit, response.Guardrail),
        };
        SetDecision(wire, response);
        return wire;
    }

    /// <summary>The answer as it was meant, with its id; <see cref="AgentResponse.Allow"/> itself for one that says nothing else.</summary>
    /// <exception cref="ProtocolException">A value of it cannot be.</exception>
    public static AgentAnswer FromWire(Wire.AgentResponse wire)
    {
        var decision = DecisionOf(wire);
        var audit = AuditMapping.FromWire(wire.Audit, out var guardrail);
        var isPlain = decision is AllowDecision && !wire.NeedsMore && guardrail is null && ReferenceEquals(audit, AuditMetadata.Empty)
            && wire.RequestHeaders.Count == 0 && wire.ResponseHeaders.Count == 0;
        return new AgentAnswer(CorrelationId.Parse(wire.CorrelationId), isPlain ? AgentResponse.Allow : new AgentResponse
        {
            Decision = decision,
            NeedsMore = wire.NeedsMore,
            RequestHeaders = OperationsOf(wire.RequestHeaders),
            ResponseHeaders = OperationsOf(wire.ResponseHeaders),
            Audit = audit,
            Guardrail = guardrail,
        });
    }

    private static void RefuseWhatHasNoField(AgentResponse response)
    {
        var what = response switch
        {
            { RequestBodyMutation: not null } or { ResponseBodyMutation: not null } => "a body mutation",
            { WebSocketDecision.Kind: WebSocketDecisionKind.Drop } => "the order to drop a WebSocket frame",
            { RoutingMetadata.Count: > 0 } => "routing metadata",
            _ => null,
        };
        if (what is not null)
        {
            throw new ProtocolException($"gRPC cannot carry {what}; serve this agent on a Unix socket");
        }
    }

    // A block of a WebSocket frame closes the connection (spec §5.5), so a close can be said that way.
    private static void SetDecision(Wire.AgentResponse wire, AgentResponse response)
    {
        var decision = response is { WebSocketDecision: { Kind: WebSocketDecisionKind.Close } close, Decision: AllowDecision }
            ? new BlockDecision(DefaultBlockStatus, close.Reason)
            : response.Decision;
        switch (decision)
        {
            case BlockDecision block:
                var headers = (block.Headers ?? EmptyMap.OfStrings)
                    .Select(static header => new Wire.Header { Name = header.Key, Value = header.Value });
                wire.Block = Optional.Set(
                    new Wire.BlockDecision { Status = block.Status, Headers = { headers } },
                    block.Body,
                    static (to, value) => to.Body = value);
                break;

            case RedirectDecision redirect:
                wire.Redirect = new Wire.RedirectDecision { Url = redirect.Url, Status = redirect.Status };
                break;

            case ChallengeDecision challenge:
                wire.Challenge = new Wire.ChallengeDecision
                {
                    ChallengeType = challenge.ChallengeType,
                    Params = { challenge.Parameters.ToDictionary(StringComparer.Ordinal) },
                };
                break;

            default:
                wire.Allow = new Wire.AllowDecision();
                break;
        }
    }

    private static Decision DecisionOf(Wire.AgentResponse wire) => wire.DecisionCase switch
    {
        Wire.AgentResponse.DecisionOneofCase.Block => new BlockDecision(
            StatusOf(wire.Block.Status, DefaultBlockStatus),
            wire.Block.HasBody ? wire.Block.Body : null,
            HeadersOf(wire.Block.Headers)),
        Wire.AgentResponse.DecisionOneofCase.Redirect =>
            new RedirectDecision(wire.Redirect.Url, StatusOf(wire.Redirect.Status, DefaultRedirectStatus)),
        Wire.AgentResponse.DecisionOneofCase.Challenge =>
            new ChallengeDecision(wire.Challenge.ChallengeType, wire.Challenge.Params.ToDictionary(StringComparer.Ordinal)),
        _ => Decision.Allow,
    };

    // Proto3 cannot tell 0 from nothing said. One that is no status leaves the refusal what it is (spec §5.8): 0, for whoever carries it
    // out to replace.
    private static ushort StatusOf(uint status, ushort unsaid) => status switch
    {
        0 => unsaid,
        >= 100 and <= 599 => (ushort)status,
        _ => 0,
    };

    // Of a name that comes twice the last counts.
    private static Dictionary<string, string>? HeadersOf(RepeatedField<Wire.Header> fields) => fields.Count == 0
        ? null
        : fields.GroupBy(static field => field.Name, static field => field.Value, StringComparer.Ordinal)
            .ToDictionary(static values => values.Key, static values => values.Last(), StringComparer.Ordinal);

    private static Wire.HeaderOp ToWire(HeaderOperation operation) => operation.Kind switch
    {
        HeaderOperationKind.Set => new() { Set = new Wire.Header { Name = operation.Name, Value = operation.Value } },
        HeaderOperationKind.Add => new() { Add = new Wire.Header { Name = operation.Name, Value = operation.Value } },
        _ => new() { Remove = operation.Name },
    };

    private static IReadOnlyList<HeaderOperation> OperationsOf(RepeatedField<Wire.HeaderOp> operations) =>
        operations.Count == 0 ? [] : [.. operations.Select(FromWire)];

    private static HeaderOperation FromWire(Wire.HeaderOp operation) => operation.OperationCase switch
    {
        Wire.HeaderOp.OperationOneofCase.Set => HeaderOperation.Set(operation.Set.Name, operation.Set.Value),
        Wire.HeaderOp.OperationOneofCase.Add => HeaderOperation.Add(operation.Add.Name, operation.Add.Value),
        Wire.HeaderOp.OperationOneofCase.Remove => HeaderOperation.Remove(operation.Remove),
        _ => throw new ProtocolException("a header operation is none of set, add and remove"),
    };
}
