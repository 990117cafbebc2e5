using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Health reports: the state as a number, a name or a tagged struct (spec §6.2).</summary>
internal static class HealthCodec
{
    private static readonly MemberTable Members = new(
        7, "agent_id", "state", "message", "load", "resources", "valid_until_ms", "timestamp_ms", "status_detail");

    internal static HealthStatus Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        var agentId = "";
        string? message = null;
        HealthState? state = null;
        var detail = HealthDetail.None;
        LoadMetrics? load = null;
        ResourceMetrics? resources = null;
        ulong? validUntil = null;
        ulong timestamp = 0;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            _ = member switch
            {
                // The numeric form as an array: [1].
                0 when r.Kind == ValueKind.Number => r.Into(out state, ReadState(ref r, ref detail)),
                0 => r.Into(ref agentId),
                1 => r.Into(out state, ReadState(ref r, ref detail)),
                2 => r.Into(ref message),
                3 => r.Into(out load, LoadMetricsCodec.Read(ref r)),
                4 => r.Into(out resources, ResourceMetricsCodec.Read(ref r)),
                5 => r.Into(ref validUntil),
                6 => r.Into(ref timestamp),
                _ => r.Into(out detail, HealthDetail.Read(ref r, out _)),
            };
        }

        r.End();
        return new HealthStatus
        {
            AgentId = agentId,
            State = state ?? throw ProtocolErrors.Missing("HealthStatus", "state"),
            Message = message,
            DisabledFeatures = detail.DisabledFeatures,
            TimeoutMultiplier = detail.TimeoutMultiplier,
            DrainEtaMs = detail.EtaMs,
            UnhealthyReason = detail.Reason,
            Recoverable = detail.Recoverable,
            Load = load,
            Resources = resources,
            ValidUntilMs = validUntil,
            TimestampMs = timestamp,
        };
    }

    internal static void Write<TWriter>(ref TWriter w, HealthStatus message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(8);
        w.Member("state"u8, (ulong)message.State);
        w.Member("agent_id"u8, message.AgentId);
        w.Key("status_detail"u8);
        HealthDetail.Write(ref w, message);
        w.Member("message"u8, message.Message);
        w.Key("load"u8);
        LoadMetricsCodec.Write(ref w, message.Load);
        w.Key("resources"u8);
        ResourceMetricsCodec.Write(ref w, message.Resources);
        w.Member("valid_until_ms"u8, message.ValidUntilMs);
        w.Member("timestamp_ms"u8, message.TimestampMs);
        w.EndMap();
    }

    private static HealthState ReadState<TReader>(ref TReader r, ref HealthDetail detail)
        where TReader : struct, IValueReader, allows ref struct
    {
        switch (r.Kind)
        {
            case ValueKind.Number:
                var number = r.ReadInt64();
                return number is >= 1 and <= 4 ? (HealthState)number : HealthState.Unknown;
            case ValueKind.String or ValueKind.Binary:
                return HealthDetail.StateOf(r.ReadString());
            default:
                detail = HealthDetail.Read(ref r, out var status);
                return HealthDetail.StateOf(status);
        }
    }
}
