using System.CommandLine;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Cli;

/// <summary>The flags that say how calls to agents are made, for all agents; each is also a key of <c>--agent</c>.</summary>
internal static class PoolFlags
{
    private static readonly Option<int?> Connections = FlagTypes.Number("--connections-per-agent", Defaults.ConnectionsPerAgent, "Connections kept open to each agent, spread over its endpoints");
    private static readonly Option<SelectionStrategy?> Strategy = FlagTypes.Word("--strategy", "STRATEGY", SelectionStrategies.Words, Defaults.Strategy, "How the connection of a request is chosen");
    private static readonly Option<TimeSpan?> ConnectTimeout = FlagTypes.Duration("--connect-timeout", Defaults.ConnectTimeout, "Connect and handshake together");
    private static readonly Option<TimeSpan?> HeaderTimeout = FlagTypes.Duration("--timeout", Defaults.HeaderTimeout, "Longest wait for an agent's answer about headers");
    private static readonly Option<TimeSpan?> BodyTimeout = FlagTypes.Duration("--body-timeout", Defaults.BodyTimeout, "Longest wait for an agent's answer about bodies, frames and guardrails");
    private static readonly Option<string[]> EventTimeouts = FlagTypes.Many("--event-timeout", "EVENT:DURATION[+EVENT:DURATION…]", "Longest wait for an answer about one kind of event, above both, for example request-body:300ms. Repeatable.");
    private static readonly Option<TimeSpan?> ReconnectMin = FlagTypes.Duration("--reconnect-min", Defaults.ReconnectMin, "Shortest wait before dialling an endpoint again");
    private static readonly Option<TimeSpan?> ReconnectMax = FlagTypes.Duration("--reconnect-max", Defaults.ReconnectMax, "Longest wait before dialling an endpoint again");
    private static readonly Option<int?> UnhealthyAfter = FlagTypes.Number("--unhealthy-after", Defaults.UnhealthyAfter, "Failed attempts after which nobody waits for an agent any more; trying goes on for ever");
    private static readonly Option<int?> Calls = FlagTypes.Number("--calls-per-connection", Defaults.CallsPerConnection, "Calls outstanding on one connection, never above what the agent states");
    private static readonly Option<int?> AgentCalls = FlagTypes.Number("--calls-per-agent", "connections × calls per connection", "Calls outstanding to one agent");
    private static readonly Option<int?> Queue = FlagTypes.Number("--queue", Defaults.Queue, "Calls that may wait for a slot at one agent; 0 lets none wait");
    private static readonly Option<TimeSpan?> QueueWait = FlagTypes.Duration("--queue-wait", Defaults.QueueWait, "How long a call waits for a slot, inside its own time");
    private static readonly Option<TimeSpan?> HealthInterval = FlagTypes.Duration("--health-interval", Defaults.HealthInterval, "How often an idle connection is pinged");
    private static readonly Option<FlowMode?> FlowMode = FlagTypes.Word("--flow-mode", "MODE", FlowModes.Words, Defaults.Flow, "What happens to an event while the agent asks to be sent nothing");
    private static readonly Option<TimeSpan?> FlowWait = FlagTypes.Duration("--flow-wait", Defaults.FlowWait, "How long --flow-mode wait waits");
    private static readonly Option<TimeSpan?> StickyTimeout = FlagTypes.Duration("--sticky-timeout", Defaults.StickyTimeout, "How long a sticky session of a route may be unused, or none", canBeUnlimited: true);
    private static readonly Option<int?> StickySessions = FlagTypes.Number("--sticky-sessions", Defaults.StickySessions, "Sticky sessions kept for one agent; the one used longest ago makes room");
    private static readonly Option<int?> BreakerRate = FlagTypes.Number("--breaker-rate", Defaults.BreakerRate, "Percent of failed calls that open an agent's circuit breaker; 0 for never");
    private static readonly Option<int?> BreakerCalls = FlagTypes.Number("--breaker-calls", Defaults.BreakerCalls, "Calls before their rate is judged");
    private static readonly Option<TimeSpan?> BreakerWindow = FlagTypes.Duration("--breaker-window", Defaults.BreakerWindow, "How far back failures count");
    private static readonly Option<int?> BreakerFailures = FlagTypes.Number("--breaker-failures", Defaults.BreakerFailures, "Failures in a row that open the breaker; 0 for never");
    private static readonly Option<TimeSpan?> BreakerOpen = FlagTypes.Duration("--breaker-open", Defaults.BreakerOpen, "How long an open breaker lets nothing through");

    /// <summary>Adds the flags to a command.</summary>
    public static void AddTo(Command command)
    {
        foreach (var option in (ReadOnlySpan<Option>)
        [
            Connections, Strategy, ConnectTimeout, HeaderTimeout, BodyTimeout, EventTimeouts, ReconnectMin, ReconnectMax, UnhealthyAfter, Calls, AgentCalls,
            Queue, QueueWait, HealthInterval, FlowMode, FlowWait, StickyTimeout, StickySessions, BreakerRate, BreakerCalls, BreakerWindow, BreakerFailures,
            BreakerOpen,
        ])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>What was given.</summary>
    public static PoolOptions Bind(ParseResult result, List<string> problems) => new()
    {
        Connections = result.GetValue(Connections),
        Strategy = result.GetValue(Strategy),
        ConnectTimeout = result.GetValue(ConnectTimeout),
        HeaderTimeout = result.GetValue(HeaderTimeout),
        BodyTimeout = result.GetValue(BodyTimeout),
        EventTimeouts = result.GetValue(EventTimeouts) is { Length: > 0 } given
            ? PoolFlag.ReadEventTimeouts(given.SelectMany(static text => text.Split('+', StringSplitOptions.TrimEntries)), error => problems.Add($"--event-timeout: {error}"))
            : null,
        ReconnectMin = result.GetValue(ReconnectMin),
        ReconnectMax = result.GetValue(ReconnectMax),
        UnhealthyAfter = result.GetValue(UnhealthyAfter),
        CallsPerConnection = result.GetValue(Calls),
        CallsPerAgent = result.GetValue(AgentCalls),
        Queue = result.GetValue(Queue),
        QueueWait = result.GetValue(QueueWait),
        HealthInterval = result.GetValue(HealthInterval),
        FlowMode = result.GetValue(FlowMode),
        FlowWait = result.GetValue(FlowWait),
        StickyTimeout = result.GetValue(StickyTimeout),
        StickySessions = result.GetValue(StickySessions),
        BreakerRate = result.GetValue(BreakerRate),
        BreakerCalls = result.GetValue(BreakerCalls),
        BreakerWindow = result.GetValue(BreakerWindow),
        BreakerFailures = result.GetValue(BreakerFailures),
        BreakerOpen = result.GetValue(BreakerOpen),
    };
}
