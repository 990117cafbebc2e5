using System.Text.Json;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Control.Documents;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Control;

/// <summary>Describes agents to operators.</summary>
internal static class AgentPages
{
    /// <summary>An agent as it is now.</summary>
    public static AgentDocument Of(AgentState agent) => new()
    {
        Id = agent.Id,
        Mode = agent.Policy.Mode.ToString().ToLowerInvariant(),
        FailureMode = agent.Policy.OnFailure.ToString(),
        State = agent.IsRetiring ? "removing" : agent.Current.Pool.State.ToString().ToLowerInvariant(),
        Warnings = AgentCautions.Of(agent),
        HeldBodyBytes = agent.BodyMemory.Used,
        HeldBodyLimit = agent.BodyMemory.Limit,
        ConfigVersion = agent.Configuration.Current.Version,
        Versions = [.. agent.Versions.Select(Of)],
    };

    private static VersionDocument Of(AgentVersion version)
    {
        var (pool, admission) = (version.Pool, version.Admission);
        return new VersionDocument
        {
            Name = version.Name,
            Breaker = admission.Breaker.State switch { BreakerState.Closed => "closed", BreakerState.HalfOpen => "half-open", _ => "open" },
            Strategy = pool.Strategy,
            Endpoints = pool.Endpoints,
            Problems =
            [
                .. pool.Problems.Select(
                    static problem => new EndpointProblemDocument(problem.Endpoint, problem.Reason, problem.IsIncompatible)),
            ],
            OpenExchanges = version.OpenExchanges,
            Running = admission.Running,
            Limit = admission.Limit.Current,
            LimitReason = JsonNamingPolicy.KebabCaseLower.ConvertName(admission.Limit.Reason.ToString()),
            CallMs = Math.Round(admission.Limit.CallTime.TotalMilliseconds, 3),
            Shed = admission.Sheds.Count,
            Waiting = admission.Waiting,
            WaitingLimit = admission.Seats,
            Calls = Of(pool.Counts),
            Latency = Of(LatencySketch.Read(pool.Live.Select(static pooled => pooled.Figures.Latency))),
            Connections = [.. pool.Live.Select(pooled => Of(pooled, pool.Endpoints))],
        };
    }

    private static ConnectionDocument Of(PooledConnection pooled, IReadOnlyList<string> endpoints)
    {
        var connection = pooled.Connection;
        var stats = connection.Stats;
        return new ConnectionDocument
        {
            Id = connection.Id,
            State = StateOf(pooled),
            Endpoint = pooled.Endpoint < endpoints.Count ? endpoints[pooled.Endpoint] : "",
            Dialect = connection.Dialect,
            Encoding = connection.Encoding,
            AgentName = connection.Capabilities.Name,
            AgentVersion = connection.Capabilities.Version,
            Reader = stats.HasThread ? "thread" : "shared",
            OpenedAt = pooled.Since,
            SilentSeconds = Math.Round(pooled.SilentFor.TotalSeconds, 3),
            InFlight = stats.InFlight,
            Owed = stats.Owed,
            Limit = connection.Traits.MaxInFlight,
            LateAnswers = stats.LateAnswers,
            Errors = pooled.Errors,
            Health = pooled.Health.ToString().ToLowerInvariant(),
            Paused = pooled.IsPaused,
            HeldExchanges = pooled.Held.Count,
            Calls = Of(pooled.Figures.Counts),
            Latency = Of(pooled.Figures.Latency.Read()),
        };
    }

    private static string StateOf(PooledConnection pooled) =>
        !pooled.Connection.IsOpen ? "ending"
        : pooled.IsRetiring ? "retiring"
        : pooled.IsEjected ? "ejected"
        : pooled.Health is HealthState.Draining ? "draining"
        : pooled.Health is HealthState.Unhealthy ? "unhealthy"
        : pooled.IsPaused ? "paused"
        : pooled.IsHeldBack ? "no-capacity"
        : pooled.Health is HealthState.Degraded ? "degraded"
        : "open";

    private static CallsDocument Of(CallCounts counts) => new(counts.Answered, counts.Failed, counts.TimedOut, counts.Cancelled);

    private static LatencyDocument Of(LatencyReading reading) => new(reading.Count, reading.P50, reading.P90, reading.P99);
}
