using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration;

/// <summary>Reads the keys of <c>--agent</c> that say how calls to the agent are made.</summary>
internal static class PoolFlag
{
    /// <summary>The keys.</summary>
    public static readonly string[] Keys =
    [
        "connections", "strategy", "connect-timeout", "timeout", "body-timeout", "event-timeout", "reconnect-min", "reconnect-max", "unhealthy-after",
        "drain-timeout", "calls-per-connection", "calls-per-agent", "queue", "queue-wait", "health-interval", "flow-mode", "flow-wait",
        "sticky-timeout", "sticky-sessions",
        "breaker-rate", "breaker-calls", "breaker-window", "breaker-failures", "breaker-open",
    ];

    /// <summary>What the keys say; errors are added to the spec.</summary>
    public static PoolOptions Read(FlagText spec)
    {
        var timeout = spec.Duration("timeout");
        return new PoolOptions
        {
            Connections = spec.Number("connections", PoolLimits.Connections.Min, PoolLimits.Connections.Max),
            Strategy = spec.Word<SelectionStrategy>("strategy", SelectionStrategies.Words),
            ConnectTimeout = spec.Duration("connect-timeout"),
            HeaderTimeout = timeout,
            BodyTimeout = spec.Duration("body-timeout") ?? timeout,
            EventTimeouts = spec.List("event-timeout") is { } list ? ReadEventTimeouts(list, spec.Error) : null,
            ReconnectMin = spec.Duration("reconnect-min"),
            ReconnectMax = spec.Duration("reconnect-max"),
            UnhealthyAfter = spec.Number("unhealthy-after", PoolLimits.UnhealthyAfter.Min, PoolLimits.UnhealthyAfter.Max),
            DrainTimeout = spec.Duration("drain-timeout"),
            CallsPerConnection = spec.Number("calls-per-connection", PoolLimits.CallsPerConnection.Min, PoolLimits.CallsPerConnection.Max),
            CallsPerAgent = spec.Number("calls-per-agent", PoolLimits.CallsPerAgent.Min, PoolLimits.CallsPerAgent.Max),
            Queue = spec.Number("queue", PoolLimits.Queue.Min, PoolLimits.Queue.Max),
            QueueWait = spec.Duration("queue-wait"),
            HealthInterval = spec.Duration("health-interval"),
            FlowMode = spec.Word<FlowMode>("flow-mode", FlowModes.Words),
            FlowWait = spec.Duration("flow-wait"),
            StickyTimeout = spec.Duration("sticky-timeout", canBeUnlimited: true),
            StickySessions = spec.Number("sticky-sessions", PoolLimits.StickySessions.Min, PoolLimits.StickySessions.Max),
            BreakerRate = spec.Number("breaker-rate", PoolLimits.BreakerRate.Min, PoolLimits.BreakerRate.Max),
            BreakerCalls = spec.Number("breaker-calls", PoolLimits.BreakerCalls.Min, PoolLimits.BreakerCalls.Max),
            BreakerWindow = spec.Duration("breaker-window"),
            BreakerFailures = spec.Number("breaker-failures", PoolLimits.BreakerFailures.Min, PoolLimits.BreakerFailures.Max),
            BreakerOpen = spec.Duration("breaker-open"),
        };
    }

    /// <summary>Reads entries such as <c>request-body:300ms</c>.</summary>
    public static IReadOnlyDictionary<EventKind, TimeSpan> ReadEventTimeouts(IEnumerable<string> entries, Action<string> error)
    {
        var timeouts = new Dictionary<EventKind, TimeSpan>();
        foreach (var entry in entries)
        {
            var colon = entry.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0 || !EventNames.TryParse(entry[..colon].Trim(), out var events) || events == EventSet.All
                || !Durations.TryParse(entry[(colon + 1)..].Trim(), out var duration))
            {
                error($"event timeout '{entry}' is not an event and a duration above zero; write for example request-body:300ms; events are {EventNames.Single}");
                continue;
            }

            foreach (var kind in Enum.GetValues<EventKind>().Where(kind => kind != EventKind.None && events.Has(kind) && !timeouts.TryAdd(kind, duration)))
            {
                error($"the timeout of {kind} is given twice");
            }
        }

        return timeouts;
    }
}
