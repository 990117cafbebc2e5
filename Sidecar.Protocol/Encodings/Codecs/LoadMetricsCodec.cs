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
        uint inFlight = 0, queueDepth = 0;
        float average = 0, p50 = 0, p95 = 0, p99 = 0;
        ulong processed = 0, rejected = 0, timedOut = 0;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            switch (member)
            {
                case 0:
                    inFlight = r.ReadUInt32();
                    break;
                case 1:
                    queueDepth = r.ReadUInt32();
                    break;
                case 2:
                    average = (float)r.ReadDouble();
                    break;
                case 3:
                    p50 = (float)r.ReadDouble();
                    break;
                case 4:
                    p95 = (float)r.ReadDouble();
                    break;
                case 5:
                    p99 = (float)r.ReadDouble();
                    break;
                case 6:
                    processed = r.ReadUInt64();
                    break;
                case 7:
                    rejected = r.ReadUInt64();
                    break;
                case 8:
                    timedOut = r.ReadUInt64();
                    break;
            }
        }

        return new LoadMetrics
        {
            InFlight = inFlight,
            QueueDepth = queueDepth,
            AvgLatencyMs = average,
            P50LatencyMs = p50,
            P95LatencyMs = p95,
            P99LatencyMs = p99,
            RequestsProcessed = processed,
            RequestsRejected = rejected,
            RequestsTimedOut = timedOut,
        };
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
        w.Key("in_flight"u8);
        w.UInt64(load.InFlight);
        w.Key("queue_depth"u8);
        w.UInt64(load.QueueDepth);
        w.Key("avg_latency_ms"u8);
        w.Single(load.AvgLatencyMs);
        w.Key("p50_latency_ms"u8);
        w.Single(load.P50LatencyMs);
        w.Key("p95_latency_ms"u8);
        w.Single(load.P95LatencyMs);
        w.Key("p99_latency_ms"u8);
        w.Single(load.P99LatencyMs);
        w.Key("requests_processed"u8);
        w.UInt64(load.RequestsProcessed);
        w.Key("requests_rejected"u8);
        w.UInt64(load.RequestsRejected);
        w.Key("requests_timed_out"u8);
        w.UInt64(load.RequestsTimedOut);
        w.EndMap();
    }
}
