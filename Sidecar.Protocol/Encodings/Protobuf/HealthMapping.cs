using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>Health reports (spec §6.2, §7.3).</summary>
internal static class HealthMapping
{
    public static Wire.HealthStatus ToWire(HealthStatus health)
    {
        var wire = new Wire.HealthStatus
        {
            AgentId = health.AgentId,
            State = (int)health.State,
            Load = health.Load is { } load ? ToWire(load) : null,
            Resources = health.Resources is { } resources ? ToWire(resources) : null,
            TimestampMs = health.TimestampMs,
            TimeoutMultiplier = health.TimeoutMultiplier,
            Recoverable = health.Recoverable,
            DisabledFeatures = { health.DisabledFeatures },
        };
        Optional.Set(wire, health.Message, static (to, value) => to.Message = value);
        Optional.Set(wire, health.ValidUntilMs, static (to, value) => to.ValidUntilMs = value);
        Optional.Set(wire, health.DrainEtaMs, static (to, value) => to.DrainEtaMs = value);
        return Optional.Set(wire, health.UnhealthyReason, static (to, value) => to.UnhealthyReason = value);
    }

    /// <summary>The report as it was meant. A state that nobody knows is unknown.</summary>
    public static HealthStatus FromWire(Wire.HealthStatus wire) => new()
    {
        AgentId = wire.AgentId,
        State = wire.State is >= (int)HealthState.Healthy and <= (int)HealthState.Unhealthy ? (HealthState)wire.State : HealthState.Unknown,
        Message = wire.HasMessage ? wire.Message : null,
        DisabledFeatures = [.. wire.DisabledFeatures],

        // Proto3 cannot tell 0 and false from nothing said; the latter means something in the unhealthy only.
        TimeoutMultiplier = wire.TimeoutMultiplier == 0 ? 1 : wire.TimeoutMultiplier,
        Recoverable = wire.State != (int)HealthState.Unhealthy || wire.Recoverable,
        DrainEtaMs = wire.HasDrainEtaMs ? wire.DrainEtaMs : null,
        UnhealthyReason = wire.HasUnhealthyReason ? wire.UnhealthyReason : null,
        Load = wire.Load is { } load ? FromWire(load) : null,
        Resources = wire.Resources is { } resources ? FromWire(resources) : null,
        ValidUntilMs = wire.HasValidUntilMs ? wire.ValidUntilMs : null,
        TimestampMs = wire.TimestampMs,
    };

    private static Wire.LoadMetrics ToWire(LoadMetrics load) => new()
    {
        InFlight = load.InFlight,
        QueueDepth = load.QueueDepth,
        AvgLatencyMs = load.AvgLatencyMs,
        P50LatencyMs = load.P50LatencyMs,
        P95LatencyMs = load.P95LatencyMs,
        P99LatencyMs = load.P99LatencyMs,
        RequestsProcessed = load.RequestsProcessed,
        RequestsRejected = load.RequestsRejected,
        RequestsTimedOut = load.RequestsTimedOut,
    };

    private static LoadMetrics FromWire(Wire.LoadMetrics load) => new()
    {
        InFlight = load.InFlight,
        QueueDepth = load.QueueDepth,
        AvgLatencyMs = load.AvgLatencyMs,
        P50LatencyMs = load.P50LatencyMs,
        P95LatencyMs = load.P95LatencyMs,
        P99LatencyMs = load.P99LatencyMs,
        RequestsProcessed = load.RequestsProcessed,
        RequestsRejected = load.RequestsRejected,
        RequestsTimedOut = load.RequestsTimedOut,
    };

    private static Wire.ResourceMetrics ToWire(ResourceMetrics resources)
    {
        var wire = new Wire.ResourceMetrics();
        Optional.Set(wire, resources.CpuPercent, static (to, value) => to.CpuPercent = value);
        Optional.Set(wire, resources.MemoryBytes, static (to, value) => to.MemoryBytes = value);
        Optional.Set(wire, resources.MemoryLimit, static (to, value) => to.MemoryLimit = value);
        Optional.Set(wire, resources.ActiveThreads, static (to, value) => to.ActiveThreads = value);
        Optional.Set(wire, resources.OpenFds, static (to, value) => to.OpenFds = value);
        Optional.Set(wire, resources.FdLimit, static (to, value) => to.FdLimit = value);
        return Optional.Set(wire, resources.Connections, static (to, value) => to.Connections = value);
    }

    private static ResourceMetrics FromWire(Wire.ResourceMetrics wire) => new()
    {
        CpuPercent = wire.HasCpuPercent ? wire.CpuPercent : null,
        MemoryBytes = wire.HasMemoryBytes ? wire.MemoryBytes : null,
        MemoryLimit = wire.HasMemoryLimit ? wire.MemoryLimit : null,
        ActiveThreads = wire.HasActiveThreads ? wire.ActiveThreads : null,
        OpenFds = wire.HasOpenFds ? wire.OpenFds : null,
        FdLimit = wire.HasFdLimit ? wire.FdLimit : null,
        Connections = wire.HasConnections ? wire.Connections : null,
    };
}
