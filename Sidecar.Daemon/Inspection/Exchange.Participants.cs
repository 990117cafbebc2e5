using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>Who takes part in an exchange, in the order of its route's plan.</summary>
internal sealed partial class Exchange
{
    private readonly Participant[] _participants;

    /// <summary>The order of its participants, and which of them are asked together.</summary>
    public RoutePlan Plan => Route?.Plan ?? RoutePlan.Nobody;

    /// <summary>The agents whose answers are applied, in route order, and after them those whose answers are only recorded.</summary>
    public ReadOnlySpan<Participant> Participants => _participants;

    /// <summary>The agents whose answers are applied, in route order.</summary>
    public ReadOnlySpan<Participant> Enforced => _participants.AsSpan(0, Plan.Enforced);

    /// <summary>The agents whose answers are only recorded, in route order.</summary>
    public ReadOnlySpan<Participant> Monitors => _participants.AsSpan(Plan.Enforced);

    /// <summary>Whether its route asks nobody.</summary>
    public bool AsksNobody => _participants.Length == 0;

    /// <summary>Whether an agent judges the beginning of a request body that is too large for it.</summary>
    public bool TakesBeginnings => Any(Enforced, static session => session.Policy.RequestBody.OnExcess == ExcessAction.Partial);

    /// <summary>Whether an agent, whether its answers are applied or not, is shown headers alone because it states no more.</summary>
    public bool IsShownHeadersOnly => Any(Participants, static session => session.IsShownHeadersOnly);

    /// <summary>Whether an agent whose answer is applied is asked about this kind of event.</summary>
    public bool Wants(EventKind kind)
    {
        foreach (var participant in Enforced)
        {
            if (participant.Session.Wants(kind))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the answer of any agent to this kind of event counts, or is recorded.</summary>
    public bool Decides(EventKind kind)
    {
        foreach (var participant in _participants)
        {
            if (participant.Decides(kind))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The request is known: if its route keeps sessions together, every agent is asked in the session's version, on its connection.</summary>
    public void Stick(RequestHeadersEvent message)
    {
        if (Route?.Sticky is not { } sticky)
        {
            return;
        }

        var key = sticky.KeyOf(message, SessionId);
        foreach (var participant in _participants)
        {
            participant.Session.Choose(key);
        }
    }

    private static bool Any(ReadOnlySpan<Participant> participants, Predicate<AgentSession> condition)
    {
        foreach (var participant in participants)
        {
            if (condition(participant.Session))
            {
                return true;
            }
        }

        return false;
    }
}
