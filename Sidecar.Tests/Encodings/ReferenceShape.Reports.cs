using System.Text.Json.Nodes;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

internal static partial class ReferenceShape
{
    private static JsonObject Health(HealthStatus health)
    {
        var state = new JsonObject { ["status"] = Lower(health.State) };
        switch (health.State)
        {
            case HealthState.Degraded:
                state["disabled_features"] = Strings(health.DisabledFeatures);
                state["timeout_multiplier"] = health.TimeoutMultiplier;
                break;
            case HealthState.Draining:
                state["eta_ms"] = health.DrainEtaMs;
                break;
            case HealthState.Unhealthy:
                state["reason"] = health.UnhealthyReason;
                state["recoverable"] = health.Recoverable;
                break;
        }

        return new JsonObject
        {
            ["agent_id"] = health.AgentId,
            ["state"] = state,
            ["message"] = health.Message,
            ["load"] = health.Load is null ? null : Load(health.Load),
            ["resources"] = health.Resources is null ? null : Resources(health.Resources),
            ["valid_until_ms"] = health.ValidUntilMs,
            ["timestamp_ms"] = health.TimestampMs,
        };
    }

    private static JsonObject Load(LoadMetrics load) => new()
    {
        ["in_flight"] = load.InFlight,
        ["queue_depth"] = load.QueueDepth,
        ["avg_latency_ms"] = load.AvgLatencyMs,
        ["p50_latency_ms"] = load.P50LatencyMs,
        ["p95_latency_ms"] = load.P95LatencyMs,
        ["p99_latency_ms"] = load.P99LatencyMs,
        ["requests_processed"] = load.RequestsProcessed,
        ["requests_rejected"] = load.RequestsRejected,
        ["requests_timed_out"] = load.RequestsTimedOut,
    };

    private static JsonObject Resources(ResourceMetrics resources) => new()
    {
        ["cpu_percent"] = resources.CpuPercent,
        ["memory_bytes"] = resources.MemoryBytes,
        ["memory_limit"] = resources.MemoryLimit,
        ["active_threads"] = resources.ActiveThreads,
        ["open_fds"] = resources.OpenFds,
        ["fd_limit"] = resources.FdLimit,
        ["connections"] = resources.Connections,
    };

    private static JsonObject Metrics(MetricsReport report) => new()
    {
        ["agent_id"] = report.AgentId,
        ["timestamp_ms"] = report.TimestampMs,
        ["interval_ms"] = report.IntervalMs,
        ["counters"] = new JsonArray([.. report.Counters.Select(counter => Metric(counter, ("value", counter.Value)))]),
        ["gauges"] = new JsonArray([.. report.Gauges.Select(gauge => Metric(gauge, ("value", gauge.Value)))]),
        ["histograms"] = new JsonArray([.. report.Histograms.Select(histogram => Metric(
            histogram, ("sum", histogram.Sum), ("count", histogram.Count), ("buckets", Buckets(histogram.Buckets))))]),
    };

    private static JsonObject Metric(AgentMetric metric, params (string Name, JsonNode? Value)[] members)
    {
        var shape = new JsonObject { ["name"] = metric.Name, ["labels"] = Map(metric.Labels) };
        if (metric.Help is not null)
        {
            shape["help"] = metric.Help;
        }

        foreach (var (name, value) in members)
        {
            shape[name] = value;
        }

        return shape;
    }

    private static JsonArray Buckets(IEnumerable<HistogramBucket> buckets) => new([.. buckets.Select(bucket => (JsonNode)new JsonObject
    {
        ["le"] = double.IsPositiveInfinity(bucket.UpperBound) ? "+Inf" : bucket.UpperBound,
        ["count"] = bucket.Count,
    })]);

    private static JsonObject Update(ConfigUpdate update) => update switch
    {
        RuleUpdate rules => new JsonObject
        {
            ["type"] = "rule_update",
            ["rule_set"] = rules.RuleSet,
            ["rules"] = new JsonArray([.. rules.Rules.Select(rule => (JsonNode)new JsonObject
            {
                ["id"] = rule.Id,
                ["priority"] = rule.Priority,
                ["definition"] = Free(rule.Definition),
                ["enabled"] = rule.Enabled,
                ["description"] = rule.Description,
                ["tags"] = Strings(rule.Tags),
            })]),
            ["remove_rules"] = Strings(rules.RemoveRules),
        },
        ListUpdate list => new JsonObject
        {
            ["type"] = "list_update",
            ["list_id"] = list.ListId,
            ["add"] = Strings(list.Add),
            ["remove"] = Strings(list.Remove),
        },
        RestartRequired restart => new JsonObject
        {
            ["type"] = "restart_required",
            ["reason"] = restart.Reason,
            ["grace_period_ms"] = restart.GracePeriodMs,
        },
        ConfigError error => new JsonObject { ["type"] = "config_error", ["error"] = error.Error, ["field"] = error.Field },
        _ => new JsonObject { ["type"] = "request_reload" },
    };

    private static JsonObject Flow(FlowControlSignal flow)
    {
        var action = new JsonObject
        {
            ["type"] = flow.Action switch { FlowAction.UpdateCapacity => "update_capacity", var other => Lower(other) },
        };
        if (flow.BufferAvailable is { } available)
        {
            action["buffer_available"] = available;
        }

        return new JsonObject
        {
            ["correlation_id"] = flow.CorrelationId.IsEmpty ? null : flow.CorrelationId.ToString(),
            ["action"] = action,
            ["timestamp_ms"] = flow.TimestampMs,
        };
    }
}
