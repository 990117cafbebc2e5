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
            switch (member)
            {
                case 0 when r.Kind == ValueKind.Number:
                    // The numeric form as an array: [1].
                    state = ReadState(ref r, ref detail);
                    break;
                case 0:
                    agentId = r.ReadString();
                    break;
                case 1:
                    state = ReadState(ref r, ref detail);
                    break;
                case 2:
                    message = r.ReadString();
                    break;
                case 3:
                    load = LoadMetricsCodec.Read(ref r);
                    break;
                case 4:
                    resources = ResourceMetricsCodec.Read(ref r);
                    break;
                case 5:
                    validUntil = r.ReadUInt64();
                    break;
                case 6:
                    timestamp = r.ReadUInt64();
                    break;
                case 7:
                    detail = HealthDetail.Read(ref r, out _);
                    break;
            }
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
        w.Key("state"u8);
        w.UInt64((ulong)message.State);
        w.Key("agent_id"u8);
        w.String(message.AgentId);
        w.Key("status_detail"u8);
        HealthDetail.Write(ref w, message);
        w.Key("message"u8);
        w.StringOrNull(message.Message);
        w.Key("load"u8);
        LoadMetricsCodec.Write(ref w, message.Load);
        w.Key("resources"u8);
        ResourceMetricsCodec.Write(ref w, message.Resources);
        w.Key("valid_until_ms"u8);
        w.UInt64OrNull(message.ValidUntilMs);
        w.Key("timestamp_ms"u8);
        w.UInt64(message.TimestampMs);
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
