using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Support;

/// <summary>What an operator would have written for agents that tests describe by their policies.</summary>
internal static class Snapshots
{
    /// <summary>Calls that are let through without any bound but the connection's, over connections that come back within milliseconds.</summary>
    public static PoolOptions Quick => new()
    {
        Values = SettingValues.Empty
            .With(CallSettings.Connections, 1)
            .With(CallSettings.ConnectTimeout, TimeSpan.FromSeconds(30))
            .With(CallSettings.ReconnectMin, TimeSpan.FromMilliseconds(10))
            .With(CallSettings.ReconnectMax, TimeSpan.FromMilliseconds(20))
            .With(CallSettings.HealthInterval, TimeSpan.FromMinutes(1))
            .With(AgentSettings.DrainTimeout, TimeSpan.Zero)
            .With(CallSettings.CallsPerConnection, 1000)
            .With(CallSettings.MaxInFlight, 1_000_000)
            .With(CallSettings.Queue, 0)
            .With(CallSettings.BreakerRate, 0)
            .With(CallSettings.BreakerFailures, 0),
    };

    /// <summary>An agent on a Unix socket that takes part by this policy.</summary>
    public static AgentOptions Agent(string id, string path, AgentPolicy policy, PoolOptions pool) => new()
    {
        Id = id,
        Endpoints = [new AgentEndpoint.Unix(path)],
        Values = pool.Values
            .With(CallSettings.HeaderTimeout, policy.HeaderTimeout)
            .With(CallSettings.BodyTimeout, policy.BodyTimeout)
            .With(CallSettings.EventTimeouts, policy.EventTimeouts ?? CallSettings.EventTimeouts.Default)
            .With(CallSettings.FlowMode, policy.FlowMode)
            .With(DaemonSettings.OnFailure, policy.OnFailure)
            .With(AgentSettings.Mode, policy.Mode)
            .With(AgentSettings.Events, policy.Events)
            .With(AgentSettings.Encoding, ProtocolConstants.MessagePack)
            .With(AgentSettings.BodyMode, new BodyShape(policy.RequestBody.Mode, policy.RequestBody.Threshold))
            .With(AgentSettings.ResponseBodyMode, new BodyShape(policy.ResponseBody.Mode, policy.ResponseBody.Threshold))
            .With(AgentSettings.MaxBody, policy.RequestBody.MaxBytes)
            .With(AgentSettings.MaxResponseBody, policy.ResponseBody.MaxBytes)
            .With(AgentSettings.OnExcess, policy.RequestBody.OnExcess)
            .With(AgentSettings.MaxEvent, (long)policy.MaxEventBytes)
            .With(AgentSettings.BodyIsOptional, policy.BodyIsOptional),
    };

    /// <summary>These settings with a circuit breaker.</summary>
    public static PoolOptions With(this PoolOptions pool, BreakerSettings breaker) => pool
        .With(CallSettings.BreakerRate, breaker.FailurePercent)
        .With(CallSettings.BreakerCalls, breaker.MinCalls)
        .With(CallSettings.BreakerWindow, breaker.Window)
        .With(CallSettings.BreakerFailures, breaker.Consecutive)
        .With(CallSettings.BreakerOpen, breaker.OpenFor);
}
