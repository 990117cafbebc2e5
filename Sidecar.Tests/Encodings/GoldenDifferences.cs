using System.Text.Json.Nodes;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

/// <summary>Where we deliberately write something else than the reference, and why. Everything else must be equal.</summary>
/// <param name="Reason">Why.</param>
/// <param name="AppliesTo">Which frames.</param>
/// <param name="Edit">What changes in the reference's members.</param>
internal sealed record GoldenDifference(string Reason, Func<GoldenFrame, bool> AppliesTo, Action<JsonObject> Edit);

/// <summary>
/// The table of differences. MessagePack is compared as the JSON it stands for, since maps instead of arrays are our writer rule (spec §4.2).
/// </summary>
internal static class GoldenDifferences
{
    public static IReadOnlyList<GoldenDifference> All { get; } =
    [
        new(
            "the id stands at the top level too, for agents and proxies that look there (spec §5.1)",
            frame => frame.Type == MessageType.AgentResponse,
            o => o["correlation_id"] = o["audit"]!["custom"]!["correlation_id"]!.DeepClone()),
        new(
            "an event's id is part of the payload, which the reference's API adds only while sending",
            frame => frame.Type is MessageType.RequestHeaders && !frame.IsJson,
            o => o["correlation_id"] = o["metadata"]!["correlation_id"]!.DeepClone()),
        new(
            "both ids of a request are the same, or the call is lost between reference peers (spec §4.3)",
            frame => frame.Name is "request_headers_cid_mismatch",
            o =>
            {
                o["correlation_id"] = "outer-cid";
                o["metadata"]!["correlation_id"] = "outer-cid";
            }),
        new(
            "the binary variant's counter of the other direction is left out, and bytes are base64 unless the peer takes them raw (spec §4.4)",
            frame => frame.Name.Contains("_chunk_binary", StringComparison.Ordinal),
            o =>
            {
                o.Remove(o["bytes_received"] is null ? "bytes_received" : "bytes_sent");
                if (o["data_hex"] is { } hex)
                {
                    o["data"] = Convert.ToBase64String(Convert.FromHexString(hex.GetValue<string>()));
                    o.Remove("data_hex");
                }
            }),
        new(
            "configure has its three members, whatever was sent: keys beside config are lost (spec §4.9)",
            frame => frame.Type == MessageType.Configure && frame.Name is not "configure_array",
            o =>
            {
                o["correlation_id"] = "cid-12";
                o["config"] ??= null;
                o["config_version"] ??= null;
                o.Remove("mode");
            }),
        new(
            "health is an integer that the reference reads, with the details beside it (spec §6.2)",
            frame => frame.Type == MessageType.HealthStatus && frame.Name is not "health_numeric",
            o =>
            {
                o["status_detail"] = o["state"]!.DeepClone();
                o["state"] = Array.IndexOf(["", "healthy", "degraded", "draining", "unhealthy"], o["state"]!["status"]!.GetValue<string>());
            }),
        new(
            "a bare health number gets the other members, empty",
            frame => frame.Name is "health_numeric",
            o =>
            {
                o["agent_id"] = "";
                o["status_detail"] = new JsonObject { ["status"] = "healthy" };
                o["message"] = o["load"] = o["resources"] = o["valid_until_ms"] = null;
                o["timestamp_ms"] = 0;
            }),
        new(
            "flow control is a number that the reference reads, with all members (spec §6.1)",
            frame => frame.Type == MessageType.FlowControl,
            o =>
            {
                var action = o["action"]!;
                o["buffer_available"] = action is JsonObject ? action["buffer_available"]?.DeepClone() : null;
                o["correlation_id"] ??= null;
                o["timestamp_ms"] ??= 0;
                if (action is JsonObject)
                {
                    o["action"] = Array.IndexOf(["", "pause", "resume", "update_capacity"], action["type"]!.GetValue<string>());
                }
            }),
        new(
            "a cancel's reason is a number on this transport (spec §6.6)",
            frame => frame.Name.StartsWith("cancel_struct", StringComparison.Ordinal),
            o => o["reason"] = CancelNumber(o)),
    ];

    /// <summary>What the frame means: its fields, except where our records say the same in another way.</summary>
    public static JsonNode Meaning(GoldenFrame frame)
    {
        if (frame.Name is "configure_array")
        {
            return ConfigureOfArray();
        }

        var fields = (JsonObject)JsonNode.Parse(frame.Fields.GetRawText())!;
        switch (frame.Name)
        {
            case "configure_bare":
                // The reference loses keys beside config as well.
                fields.Remove("mode");
                fields["config"] = null;
                break;
            case "request_headers_cid_mismatch":
                fields["metadata"]!["correlation_id"] = "outer-cid";
                break;
            case "health_numeric":
                fields["state"] = new JsonObject { ["status"] = "healthy" };
                break;
            case "flow_numeric_pause" or "flow_numeric_resume" or "flow_numeric_update_capacity":
                fields["action"] = new JsonObject { ["type"] = frame.Name["flow_numeric_".Length..] };
                break;
            case var name when name.StartsWith("cancel_struct", StringComparison.Ordinal):
                fields["reason"] = CancelNumber(fields);
                break;
        }

        return fields;
    }

    /// <summary>What we write instead of the frame, as JSON.</summary>
    public static JsonNode Text(GoldenFrame frame)
    {
        if (frame.Name is "configure_array")
        {
            return ConfigureOfArray();
        }

        var text = (JsonObject)JsonNode.Parse(frame.PayloadJson ?? frame.Fields.GetRawText())!;
        foreach (var difference in All.Where(difference => difference.AppliesTo(frame)))
        {
            difference.Edit(text);
        }

        return text;
    }

    // An array is the positional form of a struct: the reference's own decoder reads it so.
    private static JsonObject ConfigureOfArray() =>
        new() { ["correlation_id"] = "not", ["config"] = "an", ["config_version"] = "object" };

    private static int CancelNumber(JsonObject cancel) => Array.IndexOf(
        ["client_disconnect", "timeout", "blocked_by_agent", "upstream_error", "proxy_shutdown", "manual"],
        cancel["reason"]!["type"]!.GetValue<string>());
}
