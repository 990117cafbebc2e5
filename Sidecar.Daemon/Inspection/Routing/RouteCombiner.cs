using System.Collections.Concurrent;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Inspection.Routing;

/// <summary>Makes one route of several, for requests that could belong to any of them. Safe for any number of threads.</summary>
/// <param name="routes">The routes of the table, in configuration order.</param>
internal sealed class RouteCombiner(IReadOnlyList<RouteModel> routes)
{
    /// <summary>How many combinations are kept. Clients choose which ones arise; beyond this they are built for each request.</summary>
    public const int MaxKept = 1024;

    private readonly ConcurrentDictionary<string, RouteModel> _kept = new(StringComparer.Ordinal);

    /// <summary>One route with the agents of all. The same routes give the same object, up to <see cref="MaxKept"/> of them.</summary>
    /// <param name="indexes">Which routes, at least one; their order decides the order of stages.</param>
    public RouteModel Combine(IReadOnlyCollection<int> indexes)
    {
        var key = string.Join('+', indexes);
        if (_kept.TryGetValue(key, out var known))
        {
            return known;
        }

        var combined = Build([.. indexes.Select(index => routes[index])]);

        // Requests that race here may pass the bound by as many as there are threads; that is bound enough.
        return _kept.Count < MaxKept ? _kept.GetOrAdd(key, combined) : combined;
    }

    private static RouteModel Build(IReadOnlyList<RouteModel> parts)
    {
        var policies = new Dictionary<AgentState, AgentPolicy>();
        foreach (var agent in parts.SelectMany(part => part.Stages).SelectMany(stage => stage))
        {
            policies[agent.Agent] = policies.TryGetValue(agent.Agent, out var policy) ? Stricter(policy, agent.Policy) : agent.Policy;
        }

        var stages = new List<IReadOnlyList<RouteAgent>>();
        foreach (var stage in parts.SelectMany(part => part.Stages))
        {
            // An agent is asked once, where it comes first.
            RouteAgent[] first =
            [
                .. stage
                    .Where(agent => policies.ContainsKey(agent.Agent))
                    .DistinctBy(agent => agent.Agent)
                    .Select(agent => agent with { Policy = policies[agent.Agent] }),
            ];
            if (first.Length > 0)
            {
                stages.Add(first);
                Array.ForEach(first, agent => policies.Remove(agent.Agent));
            }
        }

        return new RouteModel
        {
            Id = string.Join('+', parts.Select(part => part.Id)),
            Stages = stages,
            RefusesUnapplied = parts.Any(part => part.RefusesUnapplied),
        };
    }

    // Where both routes name the agent, the client must not win the milder treatment by an odd path.
    private static AgentPolicy Stricter(AgentPolicy one, AgentPolicy other)
    {
        if (one.Mode != other.Mode)
        {
            return one.Mode < other.Mode ? one : other;
        }

        var failures = one.Failures.And(other.Failures);
        return one with
        {
            OnFailure = failures == one.Failures ? one.OnFailure : other.OnFailure,
            Failures = failures,
            RequestBody = Stricter(one.RequestBody, other.RequestBody),
            ResponseBody = Stricter(one.ResponseBody, other.ResponseBody),
            Events = one.Events | other.Events,
            HeaderTimeout = Max(one.HeaderTimeout, other.HeaderTimeout),
            BodyTimeout = Max(one.BodyTimeout, other.BodyTimeout),
        };
    }

    private static BodyPolicy Stricter(BodyPolicy one, BodyPolicy other) => (one.OnExcess, other.OnExcess) switch
    {
        (ExcessAction.Block, _) or (ExcessAction.Partial, ExcessAction.Skip) => one,
        _ => one with { OnExcess = other.OnExcess },
    };

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
