using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Composition;

/// <summary>What the options of one agent become: its state with a pool that is not started.</summary>
internal static class AgentBuilder
{
    /// <summary>Builds the agent; where its own settings say nothing the daemon's count, then the defaults.</summary>
    /// <param name="agent">What the operator wrote of it.</param>
    /// <param name="options">What the operator wrote of everything.</param>
    /// <param name="registered">Takes the place where its connections are handed over, if it dials in.</param>
    /// <param name="metrics">Counts its calls.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">The logs.</param>
    public static AgentState Build(
        AgentOptions agent,
        ConfigurationSnapshot options,
        Dictionary<string, RegisteredConnections> registered,
        SidecarMetrics metrics,
        TimeProvider time,
        ILoggerFactory loggers)
    {
        var own = agent.Pool with { Connections = agent.Pool.Connections ?? MostOnListeners(agent, options) };
        var both = own.Over(options.Pool);
        var written = both with
        {
            ReconnectMin = both.ReconnectMin ?? agent.DefaultReconnectMin,
            ReconnectMax = both.ReconnectMax ?? agent.DefaultReconnectMax,
        };
        var connection = new ConnectionSettings
        {
            AgentId = agent.Id,
            MaxInFlight = written.CallsPerConnection ?? Defaults.CallsPerConnection,
            ConnectTimeout = written.ConnectTimeout ?? Defaults.ConnectTimeout,
            Encodings = agent.Encoding is { } only ? [only] : [ProtocolConstants.MessagePack, ProtocolConstants.Json],
            Configured = new AgentConfiguration(agent.Configuration) { File = agent.ConfigurationFile is { } file ? Path.GetFullPath(file) : null },
            ProxyVersion = DaemonVersion.Text,
            Metrics = metrics.Agents,
        };
        var settings = SettingsOf(agent.Id, written, connection.MaxInFlight, agent.Endpoints.Count, options.DrainTimeout);
        IReadOnlyList<IAgentDialer> dialers = agent.IsReverse
            ? [registered[agent.Id] = new RegisteredConnections(connection, settings.Connections, time, loggers.CreateLogger<RegisteredConnections>())]
            : [.. agent.Endpoints.Select(endpoint => AgentDialers.Create(endpoint, connection, agent.Tls, time, loggers))];
        var policy = SelectionPolicies.Create(written.Strategy ?? Defaults.Strategy, time, Random.Shared);
        var pool = new ConnectionPool(settings, dialers, policy, Random.Shared, time, loggers.CreateLogger<ConnectionPool>());
        return new AgentState(agent.Id, PolicyOf(agent, written, options.FailureMode), new AgentVersion("1", pool), time, metrics)
        {
            BodyMemory = new ByteBudget(agent.Body.Memory, time),
            Configuration = connection.Configured,
        };
    }

    /// <summary>What was written about a pool, with the defaults where nothing was.</summary>
    public static PoolSettings SettingsOf(string id, PoolOptions written, int callsPerConnection, int endpoints, TimeSpan drainTimeout)
    {
        var connections = Math.Max(written.Connections ?? Defaults.ConnectionsPerAgent, endpoints);
        return new PoolSettings
        {
            AgentId = id,
            Connections = connections,
            ReconnectMin = written.ReconnectMin ?? Defaults.ReconnectMin,
            ReconnectMax = written.ReconnectMax ?? Defaults.ReconnectMax,
            HealthInterval = written.HealthInterval ?? Defaults.HealthInterval,
            DrainTimeout = written.DrainTimeout ?? drainTimeout,
            UnhealthyAfter = written.UnhealthyAfter ?? Defaults.UnhealthyAfter,
            MaxCalls = written.CallsPerAgent ?? connections * callsPerConnection,
            Queue = written.Queue ?? Defaults.Queue,
            QueueWait = written.QueueWait ?? Defaults.QueueWait,
            FlowWait = (written.FlowMode ?? Defaults.Flow) == FlowMode.Wait ? written.FlowWait ?? Defaults.FlowWait : TimeSpan.Zero,
            StickyTimeout = written.StickyTimeout ?? Defaults.StickyTimeout,
            StickySessions = written.StickySessions ?? Defaults.StickySessions,
            Breaker = new BreakerSettings
            {
                FailurePercent = written.BreakerRate ?? Defaults.BreakerRate,
                MinCalls = written.BreakerCalls ?? Defaults.BreakerCalls,
                Window = written.BreakerWindow ?? Defaults.BreakerWindow,
                Consecutive = written.BreakerFailures ?? Defaults.BreakerFailures,
                OpenFor = written.BreakerOpen ?? Defaults.BreakerOpen,
            },
        };
    }

    // An agent that dials in has a place for as many connections as any of its listeners lets in.
    private static int? MostOnListeners(AgentOptions agent, ConfigurationSnapshot options) =>
        options.Listeners.Where(listener => listener.Reverse?.Admits(agent) == true).Max(static listener => listener.Reverse!.MaxPerAgent);

    private static AgentPolicy PolicyOf(AgentOptions agent, PoolOptions written, FailureMode daemonFailureMode)
    {
        var failureMode = agent.FailureMode ?? daemonFailureMode;
        var body = agent.Body;
        var excess = body.OnExcess ?? (failureMode == FailureMode.Open ? ExcessAction.Skip : ExcessAction.Block);
        return new AgentPolicy
        {
            Mode = agent.Mode,
            FailureMode = failureMode,
            RequestBody = new BodyPolicy { Mode = body.RequestMode, Threshold = body.RequestThreshold, MaxBytes = body.MaxRequestBytes, OnExcess = excess },
            ResponseBody = new BodyPolicy { Mode = body.ResponseMode, Threshold = body.ResponseThreshold, MaxBytes = body.MaxResponseBytes, OnExcess = excess },
            BodyIsOptional = body.IsOptional,
            MaxEventBytes = body.MaxEventBytes,
            FlowMode = written.FlowMode ?? Defaults.Flow,
            Events = agent.Events,
            HeaderTimeout = written.HeaderTimeout ?? Defaults.HeaderTimeout,
            BodyTimeout = written.BodyTimeout ?? Defaults.BodyTimeout,
            EventTimeouts = written.EventTimeouts?.ToFrozenDictionary(),
        };
    }
}
