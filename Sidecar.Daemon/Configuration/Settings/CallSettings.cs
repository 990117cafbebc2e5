using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>How agents are called: for all by flags, for one by keys, which go before.</summary>
internal static class CallSettings
{
    public static readonly SettingList List = new();

    /// <summary>Most connections of one agent: each has buffers and two loops.</summary>
    public const int MostConnections = 64;

    /// <summary>The word for agents on other machines, which have a backoff of their own.</summary>
    public const string Remote = "remote";

    public static readonly Setting<TimeSpan> HeaderTimeout = List.Add(
        SettingGroup.Calls, "timeout", Formats.Duration(), TimeSpan.FromMilliseconds(120), "Longest wait for an answer about headers",
        "a ceiling inside the phase's time: two agents in sequence fit into a proxy's patience of 200 to 500 ms");

    public static readonly Setting<TimeSpan> BodyTimeout = List.Add(
        SettingGroup.Calls, "body-timeout", Formats.Duration(), TimeSpan.FromMilliseconds(400),
        "The same about bodies, frames and guardrails", "a whole phase, because bodies take work", follows: HeaderTimeout);

    public static readonly Setting<IReadOnlyDictionary<EventKind, TimeSpan>> EventTimeouts = List.Add(
        new Setting<IReadOnlyDictionary<EventKind, TimeSpan>>("event-timeout", EventFormats.Timeouts)
        {
            Default = new Dictionary<EventKind, TimeSpan>(),
            DefaultWords = "none",
            IsRepeatable = true,

            // An agent's for a kind goes before the daemon's for that kind only.
            Merging = static (own, others) =>
                own.Concat(others.Where(other => !own.ContainsKey(other.Key)))
                    .ToDictionary(static pair => pair.Key, static pair => pair.Value),
            Group = SettingGroup.Calls,
            Help = "The same for one kind of event, above both",
            Why = "for example `guardrail:2s`",
        });

    public static readonly Setting<int> CallsPerConnection = List.Add(
        SettingGroup.Calls, "calls-per-connection", Formats.Number(1, 65_536, "calls"), 256, "Calls outstanding on one connection",
        "beyond it a batch no longer grows; never above what the agent states", file: "pool.calls");

    public static readonly Setting<int> MaxInFlight = List.Add(
        SettingGroup.Calls, "max-in-flight", Formats.Number(1, 1_000_000, "calls", zero: "auto"), 0, "Calls outstanding to one agent",
        "`auto`: as many as it works on, by how long its calls take; more would wait in it, where nothing can be refused in time",
        file: "pool.max_in_flight");

    public static readonly Setting<int> Queue = List.Add(
        SettingGroup.Calls, "queue", Formats.Number(0, 65_536, "calls"), 256, "Calls that may wait for a slot at one agent; 0 for none",
        "what stands further back would not be served in time; beyond it the failure mode applies, cause `queue-full`, `agent-limit` or "
        + "`overload`", file: "pool.queue");

    public static readonly Setting<TimeSpan> QueueWait = List.Add(
        SettingGroup.Calls, "queue-wait", Formats.Duration(canBeNone: true), TimeSpan.MaxValue,
        "How long a call waits for a slot, inside its own time",
        "`none`: as long as it can still be answered in time; one that cannot is refused at once, cause `overload`",
        file: "pool.queue_wait");

    public static readonly Setting<FlowMode> FlowMode = List.Add(
        SettingGroup.Calls, "flow-mode", Formats.Names<FlowMode>("MODE"), Configuration.FlowMode.AsFailureMode,
        "What happens while an agent asks to be sent nothing", "a pause is one more way of not inspecting", file: "flow.mode");

    public static readonly Setting<TimeSpan> FlowWait = List.Add(
        SettingGroup.Calls, "flow-wait", Formats.Duration(), TimeSpan.FromMilliseconds(100), "How long --flow-mode wait waits",
        "the protocol's own default", file: "flow.wait");

    public static readonly Setting<int> Connections = List.Add(
        SettingGroup.Connections, "connections", Formats.Number(1, MostConnections, "connections"), 4,
        "Kept open to each agent, spread over its endpoints",
        "one that dies or is slow is not the only one; at least one for each endpoint", flag: "--connections-per-agent",
        file: "pool.connections");

    public static readonly Setting<SelectionStrategy> Strategy = List.Add(
        SettingGroup.Connections, "strategy", Formats.Names<SelectionStrategy>("STRATEGY"), SelectionStrategy.FillThenSpread,
        "How a request's connection is chosen",
        "fuller connections make larger batches; agents that take one call at a time are spread",
        file: "pool.strategy");

    public static readonly Setting<TimeSpan> ConnectTimeout = List.Add(
        SettingGroup.Connections, "connect-timeout", Formats.Duration(), TimeSpan.FromSeconds(5), "Connect and handshake together",
        "the protocol's own default", file: "pool.connect_timeout");

    public static readonly Setting<TimeSpan> ReconnectMin = List.Add(
        SettingGroup.Connections, "reconnect-min", Formats.Duration(), TimeSpan.FromMilliseconds(10),
        "Shortest wait before an endpoint is dialled again",
        "a local agent that restarts is back at once; one on another machine (`http://`, `https://`) may be missed by many daemons at a "
        + "time",
        variants: [(Remote, TimeSpan.FromMilliseconds(100))], file: "pool.reconnect_min");

    public static readonly Setting<TimeSpan> ReconnectMax = List.Add(
        SettingGroup.Connections, "reconnect-max", Formats.Duration(), TimeSpan.FromSeconds(2),
        "Longest wait before an endpoint is dialled again",
        "a late agent is not missed for long; per endpoint, for ever, with full jitter", variants: [(Remote, TimeSpan.FromSeconds(10))],
        file: "pool.reconnect_max");

    public static readonly Setting<int> UnhealthyAfter = List.Add(
        SettingGroup.Connections, "unhealthy-after", Formats.Number(1, 1000, "attempts"), 3,
        "Failed attempts after which nobody waits for an agent", "the protocol's own default; trying goes on for ever",
        file: "pool.unhealthy_after");

    public static readonly Setting<TimeSpan> HealthInterval = List.Add(
        SettingGroup.Connections, "health-interval", Formats.Duration(), TimeSpan.FromSeconds(10), "How often an idle connection is pinged",
        "the protocol's own default; three silent intervals end a connection", file: "pool.health_interval");

    public static readonly Setting<TimeSpan> StickyTimeout = List.Add(
        SettingGroup.Sticky, "sticky-timeout", Formats.Duration(canBeNone: true), TimeSpan.FromMinutes(5),
        "How long a sticky session may be unused",
        "the protocol's own default; longer than the pauses of long polling and kept-alive sockets", file: "sticky.timeout");

    public static readonly Setting<int> StickySessions = List.Add(
        SettingGroup.Sticky, "sticky-sessions", Formats.Number(1, 1_000_000, "sessions"), 50_000,
        "Kept for each agent; the one unused longest makes room",
        "as many as exchanges may be open; one whose connection ends moves",
        file: "sticky.sessions");

    public static readonly Setting<int> MaxEjected = List.Add(
        SettingGroup.Connections, "max-ejected", Formats.Percent(0, 100), 50,
        "Connections taken out for errors while others answer", "an agent that answers on half of them is slow, not gone",
        file: "pool.max_ejected");

    public static readonly Setting<int> BreakerRate = List.Add(
        SettingGroup.Breaker, "breaker-rate", Formats.Percent(0, 100), 50,
        "Failed calls that open an agent's breaker; 0 for never", "an agent that fails every other call only costs time",
        file: "breaker.error_rate");

    public static readonly Setting<int> BreakerCalls = List.Add(
        SettingGroup.Breaker, "breaker-calls", Formats.Number(1, 1_000_000, "calls"), 100, "Calls before their rate is judged",
        "a few failures after a quiet time open nothing", file: "breaker.min_calls");

    public static readonly Setting<TimeSpan> BreakerWindow = List.Add(
        SettingGroup.Breaker, "breaker-window", Formats.Duration(), TimeSpan.FromSeconds(10), "How far back failures count",
        "longer than a restart and shorter than an outage", file: "breaker.window");

    public static readonly Setting<int> BreakerFailures = List.Add(
        SettingGroup.Breaker, "breaker-failures", Formats.Number(0, 1_000_000, "failures"), 0,
        "Failures in a row that open it, too; 0 for never", "a burst of calls in flight fails in a row when one process dies",
        file: "breaker.failures");

    public static readonly Setting<TimeSpan> BreakerOpen = List.Add(
        SettingGroup.Breaker, "breaker-open", Formats.Duration(), TimeSpan.FromSeconds(2), "How long an open breaker lets nothing through",
        "as long as the longest wait before an agent is dialled again; then single calls find out, one more with each that succeeds",
        file: "breaker.open");
}
