using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Support;

/// <summary>What an operator would have written for agents that tests describe by their policies.</summary>
internal static class Snapshots
{
    /// <summary>Calls that are let through without any bound but the connection's, over connections that come back within milliseconds.</summary>
    public static PoolOptions Quick => new()
    {
        Connections = 1,
        ConnectTimeout = TimeSpan.FromSeconds(30),
        ReconnectMin = TimeSpan.FromMilliseconds(10),
        ReconnectMax = TimeSpan.FromMilliseconds(20),
        HealthInterval = TimeSpan.FromMinutes(1),
        DrainTimeout = TimeSpan.Zero,
        CallsPerConnection = 1000,
        CallsPerAgent = 1_000_000,
        Queue = 0,
        BreakerRate = 0,
        BreakerFailures = 0,
    };

    /// <summary>An agent on a Unix socket that takes part by this policy.</summary>
    public static AgentOptions Agent(string id, string path, AgentPolicy policy, PoolOptions pool) => new()
    {
        Id = id,
        Endpoints = [new AgentEndpoint.Unix(path)],
        Mode = policy.Mode,
        FailureMode = policy.FailureMode,
        Events = policy.Events,
        Encoding = ProtocolConstants.MessagePack,
        Body = new BodyOptions
        {
            RequestMode = policy.RequestBody.Mode,
            ResponseMode = policy.ResponseBody.Mode,
            RequestThreshold = policy.RequestBody.Threshold,
            ResponseThreshold = policy.ResponseBody.Threshold,
            MaxRequestBytes = policy.RequestBody.MaxBytes,
            MaxResponseBytes = policy.ResponseBody.MaxBytes,
            OnExcess = policy.RequestBody.OnExcess,
            MaxEventBytes = policy.MaxEventBytes,
            IsOptional = policy.BodyIsOptional,
        },
        Pool = pool with
        {
            HeaderTimeout = policy.HeaderTimeout,
            BodyTimeout = policy.BodyTimeout,
            EventTimeouts = policy.EventTimeouts,
            FlowMode = policy.FlowMode,
        },
    };

    /// <summary>These settings with a circuit breaker.</summary>
    public static PoolOptions With(this PoolOptions pool, BreakerSettings breaker) => pool with
    {
        BreakerRate = breaker.FailurePercent,
        BreakerCalls = breaker.MinCalls,
        BreakerWindow = breaker.Window,
        BreakerFailures = breaker.Consecutive,
        BreakerOpen = breaker.OpenFor,
    };
}
