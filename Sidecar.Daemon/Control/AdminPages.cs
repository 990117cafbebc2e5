using System.Text.Json;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control.Documents;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Control;

/// <summary>
/// Makes the documents of the admin listener. Each is made of one look; they are as long as the configuration, not as the traffic.
/// </summary>
internal sealed class AdminPages(DaemonView daemon)
{
    /// <summary><c>/status</c>.</summary>
    public StatusDocument Status()
    {
        var agents = Agents().Agents;
        var exchanges = Sum(daemon.Exchanges.Read());
        return new StatusDocument
        {
            Daemon = AdminJson.DaemonName,
            Version = daemon.Version,
            Pid = Environment.ProcessId,
            StartedAt = daemon.StartedAt,
            UptimeSeconds = Math.Round((daemon.Time.GetUtcNow() - daemon.StartedAt).TotalSeconds, 3),
            Warnings = [
                .. Warnings.Of(agents, Removed(), exchanges, ConfigPushes(), daemon.BodyMemory, daemon.Time.GetUtcNow()),
                .. daemon.ListenerWarnings.All],
            Listeners = [.. daemon.Model().Configuration.Listeners.Select(static listener => new ListenerDocument(
                listener.Name, listener.Kind.ToString().ToLowerInvariant(), listener.Place))],
            Agents = agents,
            Exchanges = exchanges,
            HeldBodyBytes = daemon.BodyMemory.Used,
            HeldBodyLimit = daemon.BodyMemory.Limit,
        };
    }

    // One that came back is there.
    private IReadOnlyList<(string Agent, DateTimeOffset Since)> Removed()
    {
        var there = daemon.Model().Agents;
        return [.. daemon.Removals.List().Where(removal => there.All(agent => agent.Id != removal.Agent))];
    }

    /// <summary><c>/agents</c>.</summary>
    public AgentsDocument Agents() => new() { Daemon = AdminJson.DaemonName, Agents = [.. daemon.Agents().Select(AgentPages.Of)] };

    /// <summary><c>/sessions</c>.</summary>
    public SessionsDocument Sessions() => new()
    {
        Daemon = AdminJson.DaemonName,
        Exchanges = [.. daemon.Exchanges.Read().Select(static row => new RouteExchangesDocument(row.Listener, row.Route, Sum([row])))],
        Sticky = [.. daemon.Agents().Select(StickyEndpoint.CountsOf)],
    };

    /// <summary><c>/config-pushes</c>.</summary>
    public ConfigPushesDocument ConfigPushes() => new()
    {
        Daemon = AdminJson.DaemonName,
        Pushes = [.. daemon.Pusher.List().Select(Of)],
        UpdateRequests = [.. daemon.Updates.List().Select(static request => new UpdateRequestDocument(
            request.Agent, request.Connection, request.RequestId, request.Type, request.Detail, request.IsAccepted, request.Error,
            request.IsReplied, request.Received))],
    };

    /// <summary>One push; null when there is none of this id.</summary>
    public ConfigPushDocument? ConfigPush(string id) => daemon.Pusher.Find(id) is { } push ? Of(push) : null;

    /// <summary>A push as operators see it.</summary>
    public static ConfigPushDocument Of(ConfigPushReading push) =>
        new(
            push.Id, push.Agent, ConfigPushLabels.Of(push.State), push.Reason is { Length: > 0 } reason ? reason : null, push.Version,
            push.Attempts, push.Accepted, push.Created, push.Ended);

    private static ExchangesDocument Sum(IReadOnlyList<ExchangeCount> rows)
    {
        long Of(LedgerState state) => rows.Sum(row => row.Of(state));
        return new ExchangesDocument(
            rows.Sum(static row => row.Received), rows.Sum(static row => row.Open), Of(LedgerState.Inspected), Of(LedgerState.Refused),
            Of(LedgerState.Abandoned), Of(LedgerState.Partly), Of(LedgerState.Bypassed), Of(LedgerState.NotSubject));
    }
}

/// <summary>Describes agents to operators.</summary>
internal static class AgentPages
{
    /// <summary>An agent as it is now.</summary>
    public static AgentDocument Of(AgentState agent) => new()
    {
        Id = agent.Id,
        Mode = agent.Policy.Mode.ToString().ToLowerInvariant(),
        FailureMode = agent.Policy.FailureMode == FailureMode.Open ? "open" : "closed",
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
