using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>How agents are called: for all by flags, for one by keys, which go before.</summary>
internal static class CallSettings
{
    /// <summary>The settings.</summary>
    public static readonly SettingList List = new();

    /// <summary>Most connections of one agent: each has buffers and two loops.</summary>
    public const int MostConnections = 64;

    /// <summary>The word for agents on other machines, which have a backoff of their own.</summary>
    public const string Remote = "remote";

    /// <summary>Longest wait for an answer about headers.</summary>
    public static readonly Setting<TimeSpan> HeaderTimeout = List.Add(new Setting<TimeSpan>("timeout", Formats.Duration())
    {
        Default = TimeSpan.FromMilliseconds(120),
        Group = SettingGroup.Calls,
        Help = "Longest wait for an answer about headers",
        Why = "a ceiling inside the phase's time: two agents in sequence fit into a proxy's patience of 200 to 500 ms",
    });

    /// <summary>Longest wait for an answer about anything else.</summary>
    public static readonly Setting<TimeSpan> BodyTimeout = List.Add(new Setting<TimeSpan>("body-timeout", Formats.Duration())
    {
        Default = TimeSpan.FromMilliseconds(400),
        FollowsSetting = HeaderTimeout,
        Group = SettingGroup.Calls,
        Help = "The same about bodies, frames and guardrails",
        Why = "a whole phase, because bodies take work",
    });

    /// <summary>Longest waits for single kinds of events.</summary>
    public static readonly Setting<IReadOnlyDictionary<EventKind, TimeSpan>> EventTimeouts = List.Add(
        new Setting<IReadOnlyDictionary<EventKind, TimeSpan>>("event-timeout", EventFormats.Timeouts)
        {
            Default = new Dictionary<EventKind, TimeSpan>(),
            DefaultWords = "none",
            IsRepeatable = true,

            // An agent's for a kind goes before the daemon's for that kind only.
            Merging = static (own, others) =>
                own.Concat(others.Where(other => !own.ContainsKey(other.Key))).ToDictionary(static pair => pair.Key, static pair => pair.Value),
            Group = SettingGroup.Calls,
            Help = "The same for one kind of event, above both",
            Why = "for example `guardrail:2s`",
        });

    /// <summary>Calls outstanding on one connection.</summary>
    public static readonly Setting<int> CallsPerConnection = List.Add(new Setting<int>("calls-per-connection", Formats.Number(1, 65_536, "calls"))
    {
        Default = 256,
        Group = SettingGroup.Calls,
        Help = "Calls outstanding on one connection",
        Why = "beyond it a batch no longer grows; never above what the agent states",
    });

    /// <summary>Calls outstanding over all connections.</summary>
    public static readonly Setting<int> CallsPerAgent = List.Add(new Setting<int>("calls-per-agent", Formats.Number(1, 1_000_000, "calls"))
    {
        DefaultWords = "connections × calls-per-connection",
        Group = SettingGroup.Calls,
        Help = "Calls outstanding to one agent",
        Why = "one slow agent cannot take all memory and threads",
    });

    /// <summary>Calls that may wait; each holds a timer and its event.</summary>
    public static readonly Setting<int> Queue = List.Add(new Setting<int>("queue", Formats.Number(0, 65_536, "calls"))
    {
        Default = 256,
        Group = SettingGroup.Calls,
        Help = "Calls that may wait for a slot at one agent; 0 for none",
        Why = "what stands further back would not be served in time; beyond it the failure mode applies, cause `queue-full`, `agent-limit` or `overload`",
    });

    /// <summary>How long a call waits for a slot.</summary>
    public static readonly Setting<TimeSpan> QueueWait = List.Add(new Setting<TimeSpan>("queue-wait", Formats.Duration())
    {
        Default = TimeSpan.FromMilliseconds(10),
        Group = SettingGroup.Calls,
        Help = "How long a call waits for a slot, inside its own time",
        Why = "a small part of the phase; an agent that is busier than that is overloaded",
    });

    /// <summary>What happens while the agent asks to be sent nothing.</summary>
    public static readonly Setting<FlowMode> FlowMode = List.Add(new Setting<FlowMode>("flow-mode", Formats.Words("MODE", FlowModes.Words))
    {
        Default = Configuration.FlowMode.AsFailureMode,
        Group = SettingGroup.Calls,
        Help = "What happens while an agent asks to be sent nothing",
        Why = "a pause is one more way of not inspecting",
    });

    /// <summary>How long an event waits for the agent to go on, when it waits.</summary>
    public static readonly Setting<TimeSpan> FlowWait = List.Add(new Setting<TimeSpan>("flow-wait", Formats.Duration())
    {
        Default = TimeSpan.FromMilliseconds(100),
        Group = SettingGroup.Calls,
        Help = "How long --flow-mode wait waits",
        Why = "the protocol's own default",
    });

    /// <summary>Connections, over all endpoints.</summary>
    public static readonly Setting<int> Connections = List.Add(new Setting<int>("connections", Formats.Number(1, MostConnections, "connections"))
    {
        Flag = "--connections-per-agent",
        Default = 4,
        Group = SettingGroup.Connections,
        Help = "Kept open to each agent, spread over its endpoints",
        Why = "one that dies or is slow is not the only one; at least one for each endpoint",
    });

    /// <summary>How a connection is chosen.</summary>
    public static readonly Setting<SelectionStrategy> Strategy = List.Add(
        new Setting<SelectionStrategy>("strategy", Formats.Words("STRATEGY", SelectionStrategies.Words))
        {
            Default = SelectionStrategy.FillThenSpread,
            Group = SettingGroup.Connections,
            Help = "How a request's connection is chosen",
            Why = "fuller connections make larger batches; agents that take one call at a time are spread",
        });

    /// <summary>Connect and handshake together.</summary>
    public static readonly Setting<TimeSpan> ConnectTimeout = List.Add(new Setting<TimeSpan>("connect-timeout", Formats.Duration())
    {
        Default = TimeSpan.FromSeconds(5),
        Group = SettingGroup.Connections,
        Help = "Connect and handshake together",
        Why = "the protocol's own default",
    });

    /// <summary>Shortest wait before dialling again.</summary>
    public static readonly Setting<TimeSpan> ReconnectMin = List.Add(new Setting<TimeSpan>("reconnect-min", Formats.Duration())
    {
        Default = TimeSpan.FromMilliseconds(10),
        Variants = [(Remote, TimeSpan.FromMilliseconds(100))],
        Group = SettingGroup.Connections,
        Help = "Shortest wait before an endpoint is dialled again",
        Why = "a local agent that restarts is back at once; one on another machine (`http://`, `https://`) may be missed by many daemons at a time",
    });

    /// <summary>Longest wait before dialling again.</summary>
    public static readonly Setting<TimeSpan> ReconnectMax = List.Add(new Setting<TimeSpan>("reconnect-max", Formats.Duration())
    {
        Default = TimeSpan.FromSeconds(2),
        Variants = [(Remote, TimeSpan.FromSeconds(10))],
        Group = SettingGroup.Connections,
        Help = "Longest wait before an endpoint is dialled again",
        Why = "a late agent is not missed for long; per endpoint, for ever, with full jitter",
    });

    /// <summary>Failed attempts before the agent is reported unhealthy.</summary>
    public static readonly Setting<int> UnhealthyAfter = List.Add(new Setting<int>("unhealthy-after", Formats.Number(1, 1000, "attempts"))
    {
        Default = 3,
        Group = SettingGroup.Connections,
        Help = "Failed attempts after which nobody waits for an agent",
        Why = "the protocol's own default; trying goes on for ever",
    });

    /// <summary>How often an idle connection is asked for a sign of life.</summary>
    public static readonly Setting<TimeSpan> HealthInterval = List.Add(new Setting<TimeSpan>("health-interval", Formats.Duration())
    {
        Default = TimeSpan.FromSeconds(10),
        Group = SettingGroup.Connections,
        Help = "How often an idle connection is pinged",
        Why = "the protocol's own default; three silent intervals end a connection",
    });

    /// <summary>How long a sticky session may be unused; <see cref="TimeSpan.MaxValue"/> for ever.</summary>
    public static readonly Setting<TimeSpan> StickyTimeout = List.Add(new Setting<TimeSpan>("sticky-timeout", Formats.Duration(canBeNone: true))
    {
        Default = TimeSpan.FromMinutes(5),
        Group = SettingGroup.Sticky,
        Help = "How long a sticky session may be unused",
        Why = "the protocol's own default; longer than the pauses of long polling and kept-alive sockets",
    });

    /// <summary>Sticky sessions kept; each takes about 200 bytes.</summary>
    public static readonly Setting<int> StickySessions = List.Add(new Setting<int>("sticky-sessions", Formats.Number(1, 1_000_000, "sessions"))
    {
        Default = 50_000,
        Group = SettingGroup.Sticky,
        Help = "Kept for each agent; the one unused longest makes room",
        Why = "as many as exchanges may be open; one whose connection ends moves",
    });

    /// <summary>Share of failed calls that opens the breaker; 0 for never.</summary>
    public static readonly Setting<int> BreakerRate = List.Add(new Setting<int>("breaker-rate", Formats.Number(0, 100, "percent"))
    {
        Default = 50,
        Group = SettingGroup.Breaker,
        Help = "Failed calls that open an agent's breaker; 0 for never",
        Why = "an agent that fails every other call only costs time",
    });

    /// <summary>Calls before their rate says anything.</summary>
    public static readonly Setting<int> BreakerCalls = List.Add(new Setting<int>("breaker-calls", Formats.Number(1, 1_000_000, "calls"))
    {
        Default = 100,
        Group = SettingGroup.Breaker,
        Help = "Calls before their rate is judged",
        Why = "a few failures after a quiet time open nothing",
    });

    /// <summary>How far back failures count.</summary>
    public static readonly Setting<TimeSpan> BreakerWindow = List.Add(new Setting<TimeSpan>("breaker-window", Formats.Duration())
    {
        Default = TimeSpan.FromSeconds(10),
        Group = SettingGroup.Breaker,
        Help = "How far back failures count",
        Why = "longer than a restart and shorter than an outage",
    });

    /// <summary>Failures in a row that open the breaker; 0 for never.</summary>
    public static readonly Setting<int> BreakerFailures = List.Add(new Setting<int>("breaker-failures", Formats.Number(0, 1_000_000, "failures"))
    {
        Default = 0,
        Group = SettingGroup.Breaker,
        Help = "Failures in a row that open it, too; 0 for never",
        Why = "a burst of calls in flight fails in a row when one process dies",
    });

    /// <summary>How long the breaker stays open.</summary>
    public static readonly Setting<TimeSpan> BreakerOpen = List.Add(new Setting<TimeSpan>("breaker-open", Formats.Duration())
    {
        Default = TimeSpan.FromSeconds(2),
        Group = SettingGroup.Breaker,
        Help = "How long an open breaker lets nothing through",
        Why = "as long as the longest wait before an agent is dialled again; then one call at a time finds out, and two successes close it",
    });
}
