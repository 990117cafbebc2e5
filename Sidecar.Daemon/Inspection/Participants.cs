using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Routing;

namespace Sidecar.Daemon.Inspection;

/// <summary>Makes the participants of an exchange, each with a version of its agent. Once for each exchange, so nothing is made but them.</summary>
internal static class Participants
{
    /// <summary>Whether all have a version of their agent; false when the model has been replaced.</summary>
    public static bool HaveJoined(Participant[] participants)
    {
        foreach (var participant in participants)
        {
            if (!participant.Session.HasJoined)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The agents whose answers are applied, by stage.</summary>
    public static Participant[][] StagesOf(RouteModel? route, Exchange exchange)
    {
        var stages = route is null ? [] : new Participant[route.Stages.Count][];
        var used = 0;
        for (var i = 0; i < stages.Length; i++)
        {
            var stage = route!.Stages[i];
            if (CountOf(stage, AgentMode.Enforce) is > 0 and var count)
            {
                stages[used] = new Participant[count];
                Add(stage, AgentMode.Enforce, stages[used++], 0, exchange, route.Sticky is not null);
            }
        }

        return used == stages.Length ? stages : stages[..used];
    }

    /// <summary>The agents whose answers are only recorded.</summary>
    public static Participant[] MonitorsOf(RouteModel? route, Exchange exchange)
    {
        var count = 0;
        for (var i = 0; i < (route?.Stages.Count ?? 0); i++)
        {
            count += CountOf(route!.Stages[i], AgentMode.Monitor);
        }

        var monitors = count == 0 ? [] : new Participant[count];
        for (var (i, used) = (0, 0); used < count; i++)
        {
            used = Add(route!.Stages[i], AgentMode.Monitor, monitors, used, exchange, route.Sticky is not null);
        }

        return monitors;
    }

    private static int CountOf(IReadOnlyList<RouteAgent> stage, AgentMode mode)
    {
        var count = 0;
        for (var i = 0; i < stage.Count; i++)
        {
            count += stage[i].Policy.Mode == mode ? 1 : 0;
        }

        return count;
    }

    private static int Add(
        IReadOnlyList<RouteAgent> stage, AgentMode mode, Participant[] participants, int used, Exchange exchange, bool awaitsKey)
    {
        for (var i = 0; i < stage.Count; i++)
        {
            if (stage[i].Policy.Mode == mode)
            {
                var (agent, policy, plan) = stage[i];
                participants[used++] = new Participant(exchange, new AgentSession(agent, policy, plan, exchange.Id, awaitsKey));
            }
        }

        return used;
    }
}
