using System.Runtime.InteropServices;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Inspection.Routing;

/// <summary>
/// Who takes part in the exchanges of a route, worked out once: every exchange has its participants in this order. Immutable.
/// </summary>
/// <remarks>First those whose answers are applied, in route order, then those that only watch, in route order.</remarks>
internal sealed class RoutePlan
{
    /// <summary>The plan of what no route took.</summary>
    public static readonly RoutePlan Nobody = new([]);

    // For each that is enforced the place after the last that is asked together with it.
    private readonly int[] _ends;
    private readonly RouteAgent[] _agents;
    private readonly PlanLine[] _lines;

    /// <summary>The plan of a route.</summary>
    /// <param name="stages">The route's groups of agents.</param>
    public RoutePlan(IReadOnlyList<IReadOnlyList<RouteAgent>> stages)
    {
        var all = stages.SelectMany(static (stage, number) => stage.Select(agent => (Agent: agent, Stage: number))).ToArray();
        RouteAgent[] enforced = [.. all.Where(static one => one.Agent.Policy.Mode == AgentMode.Enforce).Select(static one => one.Agent)];
        _agents = [.. enforced, .. all.Where(static one => one.Agent.Policy.Mode == AgentMode.Monitor).Select(static one => one.Agent)];
        _lines =
        [
            .. all.Select(one => new PlanLine(one.Agent, one.Stage, Array.FindIndex(_agents, other => ReferenceEquals(other, one.Agent)))),
        ];
        _ends = [.. enforced.Select(agent => 1 + Array.FindLastIndex(enforced, other => StageOf(other) == StageOf(agent)))];

        int StageOf(RouteAgent agent) => all.First(one => ReferenceEquals(one.Agent, agent)).Stage;
    }

    /// <summary>The agents in the order of an exchange's participants.</summary>
    public ReadOnlySpan<RouteAgent> Agents => _agents;

    /// <summary>How many of them are enforced.</summary>
    public int Enforced => _ends.Length;

    /// <summary>All agents of the route in route order, also those that are off here.</summary>
    public ReadOnlySpan<PlanLine> Lines => _lines;

    /// <summary>The place after the last agent that is asked together with the one at this place, which is enforced.</summary>
    public int EndOfStage(int place) => _ends[place];
}

/// <summary>An agent's line on a route.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Stage">Its stage on the route, from 0.</param>
/// <param name="Place">Its place among the participants; -1 where it takes no part.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PlanLine(RouteAgent Agent, int Stage, int Place);
