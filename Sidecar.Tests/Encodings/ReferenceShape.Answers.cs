using System.Text.Json.Nodes;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

internal static partial class ReferenceShape
{
    private static JsonObject Answer(AgentAnswer answer)
    {
        var r = answer.Response;
        var custom = new JsonObject(r.Audit.Custom.Select(pair => KeyValuePair.Create(pair.Key, Free(pair.Value))));
        if (!answer.CorrelationId.IsEmpty)
        {
            custom["correlation_id"] = answer.CorrelationId.ToString();
        }

        var shape = new JsonObject
        {
            ["version"] = r.Version,
            ["decision"] = DecisionShape(r.Decision),
            ["request_headers"] = Operations(r.RequestHeaders),
            ["response_headers"] = Operations(r.ResponseHeaders),
            ["routing_metadata"] = Map(r.RoutingMetadata),
            ["audit"] = new JsonObject
            {
                ["tags"] = Strings(r.Audit.Tags),
                ["rule_ids"] = Strings(r.Audit.RuleIds),
                ["confidence"] = (double?)r.Audit.Confidence,
                ["reason_codes"] = Strings(r.Audit.ReasonCodes),
                ["custom"] = custom,
            },
            ["needs_more"] = r.NeedsMore,
            ["request_body_mutation"] = Mutation(r.RequestBodyMutation),
            ["response_body_mutation"] = Mutation(r.ResponseBodyMutation),
            ["websocket_decision"] = r.WebSocketDecision switch
            {
                null => null,
                { Kind: WebSocketDecisionKind.Close } close =>
                    new JsonObject { ["close"] = new JsonObject { ["code"] = close.Code, ["reason"] = close.Reason } },
                var other => Lower(other.Kind),
            },
        };
        if (r.Guardrail is { } found)
        {
            shape["guardrail"] = Findings(found);
        }

        return shape;
    }

    private static JsonNode DecisionShape(Decision decision) => decision switch
    {
        BlockDecision block => new JsonObject
        {
            ["block"] = new JsonObject
            {
                ["status"] = block.Status,
                ["body"] = block.Body,
                ["headers"] = block.Headers is null ? null : Map(block.Headers),
            },
        },
        RedirectDecision redirect => new JsonObject
        {
            ["redirect"] = new JsonObject { ["url"] = redirect.Url, ["status"] = redirect.Status },
        },
        ChallengeDecision challenge => new JsonObject
        {
            ["challenge"] = new JsonObject { ["challenge_type"] = challenge.ChallengeType, ["params"] = Map(challenge.Parameters) },
        },
        _ => "allow",
    };

    private static JsonArray Operations(IEnumerable<HeaderOperation> operations) => new([.. operations.Select(operation =>
    {
        var members = new JsonObject { ["name"] = operation.Name };
        if (operation.Kind != HeaderOperationKind.Remove)
        {
            members["value"] = operation.Value;
        }

        return (JsonNode)new JsonObject { [Lower(operation.Kind)] = members };
    })]);

    private static JsonObject? Mutation(BodyMutation? mutation) => mutation is null ? null : new JsonObject
    {
        ["data"] = mutation.Data is { } data ? Convert.ToBase64String(data.Span) : null,
        ["chunk_index"] = mutation.ChunkIndex,
    };

    private static JsonObject Findings(GuardrailResponse found) => new()
    {
        ["detected"] = found.Detected,
        ["confidence"] = found.Confidence,
        ["redacted_content"] = found.RedactedContent,
        ["detections"] = new JsonArray([.. found.Detections.Select(detection => (JsonNode)new JsonObject
        {
            ["category"] = detection.Category,
            ["description"] = detection.Description,
            ["severity"] = Lower(detection.Severity),
            ["confidence"] = detection.Confidence,
            ["span"] = detection.Span is { } span ? new JsonObject { ["start"] = span.Start, ["end"] = span.End } : null,
        })]),
    };

    private static JsonObject Capabilities(AgentCapabilities capabilities) => new()
    {
        ["agent_id"] = capabilities.AgentId,
        ["name"] = capabilities.Name,
        ["version"] = capabilities.Version,
        ["supported_events"] = new JsonArray(
            [.. Enumerable.Range(1, 8).Where(n => capabilities.SupportedEvents.Has((EventKind)n)).Select(n => (JsonNode)n)]),
        ["features"] = new JsonObject
        {
            ["streaming_body"] = capabilities.Features.StreamingBody,
            ["websocket"] = capabilities.Features.WebSocket,
            ["guardrails"] = capabilities.Features.Guardrails,
            ["config_push"] = capabilities.Features.ConfigPush,
            ["metrics_export"] = capabilities.Features.MetricsExport,
            ["concurrent_requests"] = capabilities.Features.ConcurrentRequests,
            ["cancellation"] = capabilities.Features.Cancellation,
            ["flow_control"] = capabilities.Features.FlowControl,
            ["health_reporting"] = capabilities.Features.HealthReporting,
        },
        ["limits"] = new JsonObject
        {
            ["max_body_size"] = capabilities.Limits.MaxBodySize,
            ["max_concurrency"] = capabilities.Limits.MaxConcurrency,
            ["preferred_chunk_size"] = capabilities.Limits.PreferredChunkSize,
        },
    };
}
