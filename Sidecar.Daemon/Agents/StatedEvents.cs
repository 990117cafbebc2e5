using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents;

/// <summary>
/// What an agent states that it takes, against what it is sent (rule 18). Agents built on published SDKs state request headers alone and handle all events.
/// </summary>
internal static class StatedEvents
{
    /// <summary>Whether an agent is shown headers only because it states no more, and its operator has not said what it is to be shown.</summary>
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
            yield return new Caution("headers-only", $"agent {agent} states request headers only: bodies and responses pass it by; agents built on published SDKs state no more even where they handle all, so name its events: events=all, or those it is for");
            yield break;
        }

        if (!policy.WantsEnd)
        {
            yield return new Caution("no-end", $"the events= of agent {agent} leave request-complete out: agents built on published SDKs free what they keep of a request on nothing else; add it unless the agent's memory stays flat");
        }

        if ((named.Has(EventKind.RequestBodyChunk) && ComesInPieces(policy.RequestBody, policy))
            || (named.Has(EventKind.ResponseBodyChunk) && ComesInPieces(policy.ResponseBody, policy)))
        {
            yield return new Caution("pieces", $"agent {agent} is shown bodies piece by piece and states request headers only: agents built on the Rust SDK take each piece for the whole body; write body-mode=buffer unless it is known to put pieces together");
        }
    }

    private static bool ComesInPieces(BodyPolicy body, AgentPolicy policy) => body.Mode != BodyMode.Buffer || body.MaxBytes > policy.MaxEventBytes;
}
