using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Agents;

/// <summary>
/// What an operator should know of agents that work all the same: read by those who show agents, told in the log. Safe from any thread.
/// </summary>
internal sealed partial class AgentCautions(TimeProvider time, ILogger logger)
{
    // Fewer say nothing about a hundredth of them.
    private const int LeastCalls = 100;

    // Of its ceiling, that a hundredth of an agent's calls may take: beyond it one pause more of the agent is a time-out.
    private const int MostPercent = 80;

    private readonly LogThrottle _throttle = new(time);

    /// <summary>All that there is to say of an agent now, each with what to do.</summary>
    public static IReadOnlyList<string> Of(AgentState agent) =>
        [
            .. agent.Versions.SelectMany(static version => version.Pool.Problems).Select(static problem => problem.Reason),
            .. Stated(agent).Concat(Slow(agent)).Select(static caution => caution.Text),
        ];

    /// <summary>The agent has connected: what it states is logged, a line a minute at most.</summary>
    public void OnConnected(AgentState agent) => Tell(agent, Stated(agent));

    /// <summary>The agent has been looked after: that it is slow is logged, a line a minute at most.</summary>
    public void OnLook(AgentState agent) => Tell(agent, Slow(agent));

    private void Tell(AgentState agent, IEnumerable<Caution> cautions)
    {
        foreach (var (about, text) in cautions)
        {
            if (_throttle.MayLog($"{agent.Id} {about}", out _))
            {
                LogCaution(logger, text);
            }
        }
    }

    private static IEnumerable<Caution> Stated(AgentState agent) =>
        agent.Current.Pool.Traits is { } traits ? StatedEvents.Cautions(agent.Id, agent.Policy, traits.Events) : [];

    private static IEnumerable<Caution> Slow(AgentState agent)
    {
        var policy = agent.Policy;
        var reading = LatencySketch.Read(agent.Connections.Select(static pooled => pooled.Figures.OfCeiling));
        if (policy.Mode != AgentMode.Off && reading is { Count: >= LeastCalls, P99: > MostPercent * 10 })
        {
            yield return new Caution(
                "slow",
                $"agent {agent.Id} nears its ceilings: of its {reading.Count} calls of the last minutes a hundredth took more than "
                    + $"{MostPercent} % of them ({policy.HeaderTimeout.TotalMilliseconds:0} ms for headers, "
                    + $"{policy.BodyTimeout.TotalMilliseconds:0} ms for the rest); an agent written for a proxy that waits a second needs "
                    + "more: raise timeout= and body-timeout=, the listener's budget= and the proxy's own time together");
        }
    }

    [LoggerMessage(1260, LogLevel.Warning, "{Caution}")]
    private static partial void LogCaution(ILogger logger, string caution);
}

/// <summary>One thing that an operator should know of an agent.</summary>
/// <param name="About">What it is about: one word of a few.</param>
/// <param name="Text">The whole of it.</param>
internal readonly record struct Caution(string About, string Text);

/// <summary>
/// What an agent states that it takes, against what it is sent (rule 18). Agents built on published SDKs state request headers alone and
/// handle all events.
/// </summary>
internal static class StatedEvents
{
    /// <summary>
    /// Whether an agent is shown headers only because it states no more, and its operator has not said what it is to be shown.
    /// </summary>
    public static bool AreHeadersOnly(AgentPolicy policy, EventSet stated) => policy.Events is null && stated == EventSet.RequestHeaders;

    /// <summary>What an operator should know of it, each with what to do.</summary>
    public static IEnumerable<Caution> Cautions(string agent, AgentPolicy policy, EventSet stated)
    {
        if (policy.Mode == AgentMode.Off || stated != EventSet.RequestHeaders)
        {
            yield break;
        }

        if (policy.Events is not { } named)
        {
            yield return new Caution("headers-only", $"agent {agent} states request headers only: bodies and responses pass it by; agents "
                + "built on published SDKs state no more even where they handle all, so name its events: events=all, or those it is for");
            yield break;
        }

        if (!policy.WantsEnd)
        {
            yield return new Caution("no-end", $"the events= of agent {agent} leave request-complete out: agents built on published SDKs "
                + "free what they keep of a request on nothing else; add it unless the agent's memory stays flat");
        }

        if ((named.Has(EventKind.RequestBodyChunk) && ComesInPieces(policy.RequestBody, policy))
            || (named.Has(EventKind.ResponseBodyChunk) && ComesInPieces(policy.ResponseBody, policy)))
        {
            yield return new Caution("pieces", $"agent {agent} is shown bodies piece by piece and states request headers only: agents "
                + "built on the Rust SDK take each piece for the whole body; write body-mode=buffer unless it is known to put pieces "
                + "together");
        }
    }

    private static bool ComesInPieces(BodyPolicy body, AgentPolicy policy) =>
        body.Mode != BodyMode.Buffer || body.MaxBytes > policy.MaxEventBytes;
}
