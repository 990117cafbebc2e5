using System.Globalization;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Control.Documents;

namespace Sidecar.Daemon.Control;

/// <summary>Says what needs an operator's attention, the gravest first.</summary>
internal static class Warnings
{
    private static readonly TimeSpan Lately = TimeSpan.FromHours(1);

    /// <summary>All that there is to say.</summary>
    public static IReadOnlyList<string> Of(
        IReadOnlyList<AgentDocument> agents, IReadOnlyList<(string Agent, DateTimeOffset Since)> removed, ExchangesDocument exchanges,
        ConfigPushesDocument config, ByteBudget memory, DateTimeOffset now)
    {
        var warnings = new List<string>();
        warnings.AddRange(agents.Select(Of).OfType<string>());
        warnings.AddRange(agents.SelectMany(static agent => agent.Warnings));
        warnings.AddRange(removed.Select(static one => $"agent {one.Agent} was removed at "
            + one.Since.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)
            + " UTC: its routes go on without it until the daemon is started again"));
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
