using System.Globalization;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control.Documents;

namespace Sidecar.Daemon.Control;

/// <summary>Says what needs an operator's attention, the gravest first.</summary>
internal static class Warnings
{
    /// <summary>What is to be known where no listener brings requests.</summary>
    public const string NothingAsked = "no listener is for a proxy: nobody can ask, and nothing is inspected";

    private static readonly TimeSpan Lately = TimeSpan.FromHours(1);

    /// <summary>All that there is to say.</summary>
    public static IReadOnlyList<string> Of(
        IReadOnlyList<AgentDocument> agents, IReadOnlyList<(string Agent, DateTimeOffset Since)> removed, ExchangesDocument exchanges,
        ConfigPushesDocument config, ByteBudget memory, DateTimeOffset now)
    {
        var warnings = new List<string>();
        warnings.AddRange(agents.Select(Of).OfType<string>());
        warnings.AddRange(agents.SelectMany(static agent => agent.Warnings));
        warnings.AddRange(removed.Select(static one => $"agent {one.Agent} was removed at {Time(one.Since)}: "
            + "its routes go on without it until the daemon is started again"));
        if (exchanges.Bypassed > 0)
        {
            warnings.Add($"{exchanges.Bypassed} exchanges passed uninspected since the start; "
                + "see sidecar_agent_exchanges_total for the causes");
        }

        if (memory.Used > memory.Limit / 10 * 9)
        {
            warnings.Add($"{memory.Used} of {memory.Limit} bytes for held bodies are taken");
        }

        // The last push to an agent is what counts.
        warnings.AddRange(config.Pushes.GroupBy(static push => push.Agent).Select(static pushes => pushes.Last())
            .Where(static push => push.State is "failed" or "expired")
            .Select(static push => $"configuration {push.Id} to agent {push.Agent} "
                + $"{(push.State == "failed" ? "failed" : "has expired")}: {push.Reason}"));
        warnings.AddRange((config.UpdateRequests ?? [])
            .Where(request => request.Type is "config_error" or "restart_required" && now - request.ReceivedAt < Lately)
            .GroupBy(static request => (request.Agent, request.Type)).Select(static requests => requests.Last())
            .Select(static request => $"agent {request.Agent} "
                + $"{(request.Type == "config_error" ? "says that its configuration is wrong" : "asks to be restarted")}: "
                + $"{request.Detail}"));
        return warnings;
    }

    /// <summary>What there is to say of the configuration.</summary>
    /// <param name="state">Where it came from.</param>
    /// <param name="generation">The number of the model that counts.</param>
    /// <param name="configuration">The configuration itself.</param>
    public static IEnumerable<string> Of(ReloadState state, long generation, ConfigurationSnapshot configuration)
    {
        if (!configuration.BringsRequests)
        {
            yield return NothingAsked;
        }

        if (state.LastGoodBecause is { } why)
        {
            yield return $"the daemon runs on its last good configuration, not on {state.Place}: {why}";
        }

        if (state.Last is { Outcome: ReloadOutcome.Refused } refused)
        {
            var more = refused.Errors.Count > 1 ? $" (and {refused.Errors.Count - 1} more: sidecar reload --dry-run)" : "";
            yield return $"the reload of {Time(refused.At)} ({refused.Cause}) was refused, model {generation} stays: "
                + $"{(refused.Errors is [var first, ..] ? first : "no reason is known")}{more}";
        }
    }

    private static string Time(DateTimeOffset at) => at.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) + " UTC";

    private static string? Of(AgentDocument agent)
    {
        var then = agent.Mode != "enforce"
            ? ""
            : agent.FailureMode == "closed" ? "; what it should inspect is refused"
            : agent.FailureMode == "open" ? "; what it should inspect passes"
            : $"; what it should inspect is treated as its failure mode says ({agent.FailureMode})";
        return agent.Mode == "off" ? null
            : agent.State is "unhealthy" or "pending"
                ? $"agent {agent.Id} is {(agent.State == "pending" ? "not connected" : "unhealthy")}{then}"
            : agent.Versions.Any(static version => version.Breaker != "closed")
                ? $"the circuit breaker of agent {agent.Id} is "
                + $"{agent.Versions.First(static version => version.Breaker != "closed").Breaker}{then}"
            : agent.State is "paused" or "draining" ? $"agent {agent.Id} takes no new exchanges ({agent.State}){then}"
            : agent.State is "degraded" ? $"agent {agent.Id} is degraded"
            : null;
    }
}
