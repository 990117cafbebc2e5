using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>How busy an agent is (spec §6.2).</summary>
internal static class LoadMetricsCodec
{
    private static readonly MemberTable Members = new(
        9,
        "in_flight",
        "queue_depth",
        "avg_latency_ms",
        "p50_latency_ms",
        "p95_latency_ms",
        "p99_latency_ms",
        "requests_processed",
        "requests_rejected",
        "requests_timed_out");

    internal static LoadMetrics Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        var load = new LoadMetrics();
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            load = member switch
            {
                0 => load with { InFlight = r.ReadUInt32() },
                1 => load with { QueueDepth = r.ReadUInt32() },
                2 => load with { AvgLatencyMs = (float)r.ReadDouble() },
                3 => load with { P50LatencyMs = (float)r.ReadDouble() },
                4 => load with { P95LatencyMs = (float)r.ReadDouble() },
                5 => load with { P99LatencyMs = (float)r.ReadDouble() },
                6 => load with { RequestsProcessed = r.ReadUInt64() },
                7 => load with { RequestsRejected = r.ReadUInt64() },
                _ => load with { RequestsTimedOut = r.ReadUInt64() },
            };
        }

        return load;
    }

    internal static void Write<TWriter>(ref TWriter w, LoadMetrics? load)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        if (load is null)
        {
            w.Null();
            return;
        }

        w.BeginMap(9);
        w.Member("in_flight"u8, load.InFlight);
        w.Member("queue_depth"u8, load.QueueDepth);
        w.Member("avg_latency_ms"u8, load.AvgLatencyMs);
        w.Member("p50_latency_ms"u8, load.P50LatencyMs);
        w.Member("p95_latency_ms"u8, load.P95LatencyMs);
        w.Member("p99_latency_ms"u8, load.P99LatencyMs);
        w.Member("requests_processed"u8, load.RequestsProcessed);
        w.Member("requests_rejected"u8, load.RequestsRejected);
        w.Member("requests_timed_out"u8, load.RequestsTimedOut);
        w.EndMap();
    }
}
