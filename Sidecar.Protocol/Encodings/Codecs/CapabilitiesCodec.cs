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
        w.Member("agent_id"u8, capabilities.AgentId);
        w.Member("name"u8, capabilities.Name);
        w.Member("version"u8, capabilities.Version);
        w.Key("supported_events"u8);
        SupportedEventsCodec.Write(ref w, capabilities.SupportedEvents);
        w.Key("features"u8);
        WriteFeatures(ref w, capabilities.Features);
        w.Key("limits"u8);
        w.BeginMap(3);
        w.Member("max_body_size"u8, capabilities.Limits.MaxBodySize);
        w.Member("max_concurrency"u8, capabilities.Limits.MaxConcurrency);
        w.Member("preferred_chunk_size"u8, capabilities.Limits.PreferredChunkSize);
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
        w.Member("streaming_body"u8, features.StreamingBody);
        w.Member("websocket"u8, features.WebSocket);
        w.Member("guardrails"u8, features.Guardrails);
        w.Member("config_push"u8, features.ConfigPush);
        w.Member("metrics_export"u8, features.MetricsExport);
        w.Member("concurrent_requests"u8, features.ConcurrentRequests);
        w.Member("cancellation"u8, features.Cancellation);
        w.Member("flow_control"u8, features.FlowControl);
        w.Member("health_reporting"u8, features.HealthReporting);
        if (features.BinaryBody)
        {
            w.Member("binary_body"u8, true);
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
