using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>What belongs to one state of health: an object with a <c>status</c> key, or an array that begins with it (spec §6.2).</summary>
internal sealed record HealthDetail
{
    internal static readonly HealthDetail None = new();

    private static readonly MemberTable Members = new(
        1, "status", "disabled_features", "timeout_multiplier", "eta_ms", "reason", "recoverable");

    private static readonly MemberTable Degraded = Members.InOrder("status", "disabled_features", "timeout_multiplier");
    private static readonly MemberTable Draining = Members.InOrder("status", "eta_ms");
    private static readonly MemberTable Unhealthy = Members.InOrder("status", "reason", "recoverable");

    internal IReadOnlyList<string> DisabledFeatures { get; init; } = [];

    internal float TimeoutMultiplier { get; init; } = 1;

    internal ulong? EtaMs { get; init; }

    internal string? Reason { get; init; }

    internal bool Recoverable { get; init; } = true;

    /// <summary>The state with a name; an unknown one is taken as not said.</summary>
    internal static HealthState StateOf(string name) => name switch
    {
        "healthy" => HealthState.Healthy,
        "degraded" => HealthState.Degraded,
        "draining" => HealthState.Draining,
        "unhealthy" => HealthState.Unhealthy,
        _ => HealthState.Unknown,
    };

    internal static HealthDetail Read<TReader>(ref TReader r, out string status)
        where TReader : struct, IValueReader, allows ref struct
    {
        var detail = None;
        status = "";
        var table = Members;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, table, out var member))
        {
            switch (member)
            {
                case 0:
                    status = r.ReadString();

                    // What the other elements of an array mean follows from the first.
                    table = StateOf(status) switch
                    {
                        HealthState.Degraded => Degraded,
                        HealthState.Draining => Draining,
                        HealthState.Unhealthy => Unhealthy,
                        _ => Members,
                    };
                    break;
                case 1:
                    detail = detail with { DisabledFeatures = r.ReadStrings() };
                    break;
                case 2:
                    detail = detail with { TimeoutMultiplier = (float)r.ReadDouble() };
                    break;
                case 3:
                    detail = detail with { EtaMs = r.ReadUInt64() };
                    break;
                case 4:
                    detail = detail with { Reason = r.ReadText() };
                    break;
                case 5:
                    detail = detail with { Recoverable = r.ReadBoolean() };
                    break;
            }
        }

        return detail;
    }

    internal static void Write<TWriter>(ref TWriter w, HealthStatus message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        switch (message.State)
        {
            case HealthState.Degraded:
                w.BeginMap(3);
                WriteStatus(ref w, "degraded");
                w.Member("disabled_features"u8, message.DisabledFeatures);
                w.Member("timeout_multiplier"u8, message.TimeoutMultiplier);
                w.EndMap();
                break;
            case HealthState.Draining:
                w.BeginMap(2);
                WriteStatus(ref w, "draining");
                w.Member("eta_ms"u8, message.DrainEtaMs);
                w.EndMap();
                break;
            case HealthState.Unhealthy:
                w.BeginMap(3);
                WriteStatus(ref w, "unhealthy");
                w.Member("reason"u8, message.UnhealthyReason);
                w.Member("recoverable"u8, message.Recoverable);
                w.EndMap();
                break;
            case HealthState.Healthy:
                w.BeginMap(1);
                WriteStatus(ref w, "healthy");
                w.EndMap();
                break;
            default:
                w.Null();
                break;
        }
    }

    private static void WriteStatus<TWriter>(ref TWriter w, string status)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.Member("status"u8, status);
    }
}
