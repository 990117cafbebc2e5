using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>What an agent says of itself (spec §3.2): read with defaults for whatever is missing, written whole.</summary>
internal static class CapabilitiesCodec
{
    private static readonly MemberTable Members = new(6, "agent_id", "name", "version", "supported_events", "features", "limits");

    private static readonly MemberTable FeatureMembers = new(
        10,
        "streaming_body",
        "websocket",
        "guardrails",
        "config_push",
        "metrics_export",
        "concurrent_requests",
        "cancellation",
        "flow_control",
        "health_reporting",
        "binary_body");

    private static readonly MemberTable LimitMembers = new(3, "max_body_size", "max_concurrency", "preferred_chunk_size");

    internal static AgentCapabilities Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        var capabilities = new AgentCapabilities();
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            capabilities = member switch
            {
                0 => capabilities with { AgentId = r.ReadString() },
                1 => capabilities with { Name = r.ReadString() },
                2 => capabilities with { Version = r.ReadString() },
                3 => capabilities with { SupportedEvents = SupportedEventsCodec.Read(ref r) },
                4 => capabilities with { Features = ReadFeatures(ref r) },
                _ => capabilities with { Limits = ReadLimits(ref r) },
            };
        }

        return capabilities;
    }

    internal static void Write<TWriter>(ref TWriter w, AgentCapabilities capabilities)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(6);
        w.Key("agent_id"u8);
        w.String(capabilities.AgentId);
        w.Key("name"u8);
        w.String(capabilities.Name);
        w.Key("version"u8);
        w.String(capabilities.Version);
        w.Key("supported_events"u8);
        SupportedEventsCodec.Write(ref w, capabilities.SupportedEvents);
        w.Key("features"u8);
        WriteFeatures(ref w, capabilities.Features);
        w.Key("limits"u8);
        w.BeginMap(3);
        w.Key("max_body_size"u8);
        w.UInt64(capabilities.Limits.MaxBodySize);
        w.Key("max_concurrency"u8);
        w.UInt64(capabilities.Limits.MaxConcurrency);
        w.Key("preferred_chunk_size"u8);
        w.UInt64(capabilities.Limits.PreferredChunkSize);
        w.EndMap();
        w.EndMap();
    }

    private static AgentFeatures ReadFeatures<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        var features = new AgentFeatures();
        var scope = r.BeginStruct();
        while (r.Next(ref scope, FeatureMembers, out var member))
        {
            features = member switch
            {
                0 => features with { StreamingBody = r.ReadBoolean() },
                1 => features with { WebSocket = r.ReadBoolean() },
                2 => features with { Guardrails = r.ReadBoolean() },
                3 => features with { ConfigPush = r.ReadBoolean() },
                4 => features with { MetricsExport = r.ReadBoolean() },
                5 => features with { ConcurrentRequests = r.ReadUInt32() },
                6 => features with { Cancellation = r.ReadBoolean() },
                7 => features with { FlowControl = r.ReadBoolean() },
                8 => features with { HealthReporting = r.ReadBoolean() },
                _ => features with { BinaryBody = r.ReadBoolean() },
            };
        }

        return features;
    }

    private static void WriteFeatures<TWriter>(ref TWriter w, AgentFeatures features)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(features.BinaryBody ? 10 : 9);
        w.Key("streaming_body"u8);
        w.Boolean(features.StreamingBody);
        w.Key("websocket"u8);
        w.Boolean(features.WebSocket);
        w.Key("guardrails"u8);
        w.Boolean(features.Guardrails);
        w.Key("config_push"u8);
        w.Boolean(features.ConfigPush);
        w.Key("metrics_export"u8);
        w.Boolean(features.MetricsExport);
        w.Key("concurrent_requests"u8);
        w.UInt64(features.ConcurrentRequests);
        w.Key("cancellation"u8);
        w.Boolean(features.Cancellation);
        w.Key("flow_control"u8);
        w.Boolean(features.FlowControl);
        w.Key("health_reporting"u8);
        w.Boolean(features.HealthReporting);
        if (features.BinaryBody)
        {
            w.Key("binary_body"u8);
            w.Boolean(true);
        }

        w.EndMap();
    }

    private static AgentLimits ReadLimits<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        var limits = new AgentLimits();
        var scope = r.BeginStruct();
        while (r.Next(ref scope, LimitMembers, out var member))
        {
            limits = member switch
            {
                0 => limits with { MaxBodySize = r.ReadUInt64() },
                1 => limits with { MaxConcurrency = r.ReadUInt32() },
                _ => limits with { PreferredChunkSize = r.ReadUInt64() },
            };
        }

        return limits;
    }
}
