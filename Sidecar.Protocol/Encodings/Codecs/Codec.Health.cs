namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Health reports: the state as a number, a name or a tagged struct (spec §6.2).</summary>
internal static partial class Codec<TReader, TWriter>
{
    // Before any member has come, for 0 is said by who says it.
    private const HealthState NoState = (HealthState)(-1);

    private static readonly WireNames<HealthState> States = new(
        ("healthy", HealthState.Healthy), ("degraded", HealthState.Degraded),
        ("draining", HealthState.Draining), ("unhealthy", HealthState.Unhealthy));

    // What belongs to one state: an object with a status key, or an array that begins with it.
    private static readonly Shape<HealthStatus> Detail = new(
        "status_detail",
        new HealthStatus(),
        new("status", (ref r, m) => m with { State = States.Find(r.ReadString()) ?? HealthState.Unknown },
            (ref w, m) => w.String(States.Of(m.State))),
        new("disabled_features", (ref r, m) => m with { DisabledFeatures = r.ReadStrings() }, (ref w, m) => w.Strings(m.DisabledFeatures),
            m => m.State == HealthState.Degraded),
        new("timeout_multiplier", (ref r, m) => m with { TimeoutMultiplier = (float)r.ReadDouble() },
            (ref w, m) => w.Single(m.TimeoutMultiplier),
            m => m.State == HealthState.Degraded),
        new("eta_ms", (ref r, m) => m with { DrainEtaMs = r.ReadUInt64() }, (ref w, m) => w.UInt64OrNull(m.DrainEtaMs),
            m => m.State == HealthState.Draining),
        new("reason", (ref r, m) => m with { UnhealthyReason = r.ReadText() }, (ref w, m) => w.String(m.UnhealthyReason),
            m => m.State == HealthState.Unhealthy),
        new("recoverable", (ref r, m) => m with { Recoverable = r.ReadBoolean() }, (ref w, m) => w.Boolean(m.Recoverable),
            m => m.State == HealthState.Unhealthy))
    {
        DependsOnFirst = true,
    };

    private static readonly Shape<LoadMetrics> Load = new(
        "load",
        new LoadMetrics(),
        new("in_flight", (ref r, m) => m with { InFlight = r.ReadUInt32() }, (ref w, m) => w.UInt64(m.InFlight)),
        new("queue_depth", (ref r, m) => m with { QueueDepth = r.ReadUInt32() }, (ref w, m) => w.UInt64(m.QueueDepth)),
        new("avg_latency_ms", (ref r, m) => m with { AvgLatencyMs = (float)r.ReadDouble() }, (ref w, m) => w.Single(m.AvgLatencyMs)),
        new("p50_latency_ms", (ref r, m) => m with { P50LatencyMs = (float)r.ReadDouble() }, (ref w, m) => w.Single(m.P50LatencyMs)),
        new("p95_latency_ms", (ref r, m) => m with { P95LatencyMs = (float)r.ReadDouble() }, (ref w, m) => w.Single(m.P95LatencyMs)),
        new("p99_latency_ms", (ref r, m) => m with { P99LatencyMs = (float)r.ReadDouble() }, (ref w, m) => w.Single(m.P99LatencyMs)),
        new("requests_processed", (ref r, m) => m with { RequestsProcessed = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.RequestsProcessed)),
        new("requests_rejected", (ref r, m) => m with { RequestsRejected = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.RequestsRejected)),
        new("requests_timed_out", (ref r, m) => m with { RequestsTimedOut = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.RequestsTimedOut)));

    private static readonly Shape<ResourceMetrics> Resources = new(
        "resources",
        new ResourceMetrics(),
        new("cpu_percent", (ref r, m) => m with { CpuPercent = (float)r.ReadDouble() }, (ref w, m) => w.SingleOrNull(m.CpuPercent)),
        new("memory_bytes", (ref r, m) => m with { MemoryBytes = r.ReadUInt64() }, (ref w, m) => w.UInt64OrNull(m.MemoryBytes)),
        new("memory_limit", (ref r, m) => m with { MemoryLimit = r.ReadUInt64() }, (ref w, m) => w.UInt64OrNull(m.MemoryLimit)),
        new("active_threads", (ref r, m) => m with { ActiveThreads = r.ReadUInt32() }, (ref w, m) => w.UInt64OrNull(m.ActiveThreads)),
        new("open_fds", (ref r, m) => m with { OpenFds = r.ReadUInt32() }, (ref w, m) => w.UInt64OrNull(m.OpenFds)),
        new("fd_limit", (ref r, m) => m with { FdLimit = r.ReadUInt32() }, (ref w, m) => w.UInt64OrNull(m.FdLimit)),
        new("connections", (ref r, m) => m with { Connections = r.ReadUInt32() }, (ref w, m) => w.UInt64OrNull(m.Connections)));

    private static readonly Shape<HealthStatus> Health = new(
        "HealthStatus",
        new HealthStatus { State = NoState },
        new("state", ReadState, (ref w, m) => w.UInt64((ulong)m.State)),

        // The numeric form as an array: [1].
        new("agent_id", (ref r, m) => r.Kind == ValueKind.Number ? ReadState(ref r, m) : m with { AgentId = r.ReadString() },
            (ref w, m) => w.String(m.AgentId)),
        new("status_detail", (ref r, m) => Detail.Read(ref r, m) with { State = m.State },
            (ref w, m) => Detail.Write(ref w, m.State == HealthState.Unknown ? null : m)),
        new("message", (ref r, m) => m with { Message = r.ReadString() }, (ref w, m) => w.String(m.Message)),
        new("load", (ref r, m) => m with { Load = Load.Read(ref r) }, (ref w, m) => Load.Write(ref w, m.Load)),
        new("resources", (ref r, m) => m with { Resources = Resources.Read(ref r) }, (ref w, m) => Resources.Write(ref w, m.Resources)),
        new("valid_until_ms", (ref r, m) => m with { ValidUntilMs = r.ReadUInt64() }, (ref w, m) => w.UInt64OrNull(m.ValidUntilMs)),
        new("timestamp_ms", (ref r, m) => m with { TimestampMs = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.TimestampMs)))
    {
        InArrays = ["agent_id", "state", "message", "load", "resources", "valid_until_ms", "timestamp_ms"],
    };

    internal static HealthStatus ReadHealth(ref TReader r)
    {
        var health = Health.Read(ref r);
        return health.State != NoState ? health : throw ProtocolErrors.Missing("HealthStatus", "state");
    }

    internal static void WriteHealth(ref TWriter w, HealthStatus message) => Health.Write(ref w, message);

    private static HealthStatus ReadState(ref TReader r, HealthStatus health)
    {
        switch (r.Kind)
        {
            case ValueKind.Number:
                var number = r.ReadInt64();
                return health with { State = number is >= 1 and <= 4 ? (HealthState)number : HealthState.Unknown };
            case ValueKind.String or ValueKind.Binary:
                return health with { State = States.Find(r.ReadString()) ?? HealthState.Unknown };
            default:
                return Detail.Read(ref r, health with { State = HealthState.Unknown });
        }
    }
}
