using System.Runtime.InteropServices;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>
/// What the agents of an exchange still want to see of it, for front ends whose proxy sends only what it is asked for (proxy integration §3.5.10, §6.3).
/// </summary>
/// <remarks>
/// What an agent wants is known from its capabilities at the latest when it has been asked once, so the answer to the request headers is the
/// time to look. An agent that missed the request, or that a body passes by since an earlier piece, wants nothing more: nothing can be judged from the middle.
/// </remarks>
/// <param name="RequestBody">The request's body.</param>
/// <param name="ResponseHeaders">Whether the response's headers are wanted; the response's body never comes without them.</param>
/// <param name="ResponseBody">The response's body.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct WantedEvents(WantedBody RequestBody, bool ResponseHeaders, WantedBody ResponseBody)
{
    /// <summary>What is wanted of an exchange now.</summary>
    public static WantedEvents Of(Exchange exchange) => new(
        BodyOf(exchange, Direction.Request),
        exchange.Stages.SelectMany(static stage => stage).Concat(exchange.Monitors)
            .Any(static participant => StillWants(participant, EventKind.ResponseHeaders)),
        BodyOf(exchange, Direction.Response));

    private static WantedBody BodyOf(Exchange exchange, Direction direction)
    {
        var flow = direction == Direction.Request ? exchange.Bodies.Request : exchange.Bodies.Response;
        var kind = BodyFlow.KindOf(direction);
        var wanted = default(WantedBody);
        var place = 0;
        foreach (var participant in exchange.Stages.SelectMany(static stage => stage))
        {
            // A flow has its stages in the order of the participants.
            if (StillWants(participant, kind) && flow?.Stages[place].Passes != true)
            {
                var policy = PolicyOf(participant, direction);
                wanted = wanted.And(policy.Mode == BodyMode.Buffer ? BodyNeed.Full : BodyNeed.Stream, LimitOf(participant, policy));
            }

            place++;
        }

        // Nothing waits for those who only watch, however they are shown the body.
        foreach (var participant in exchange.Monitors.Where(participant => StillWants(participant, kind)))
        {
            wanted = wanted.And(BodyNeed.Stream, LimitOf(participant, PolicyOf(participant, direction)));
        }

        return wanted;
    }

    private static bool StillWants(Participant participant, EventKind kind) => participant.Session.Wants(kind) && !participant.Session.HasMissedRequest;

    private static BodyPolicy PolicyOf(Participant participant, Direction direction) =>
        direction == Direction.Request ? participant.Session.Policy.RequestBody : participant.Session.Policy.ResponseBody;

    private static long LimitOf(Participant participant, BodyPolicy policy) => Math.Min(policy.MaxBytes, participant.Session.MaxBodyBytes);
}

/// <summary>What is wanted of one body.</summary>
/// <param name="Need">How it is to be handed in.</param>
/// <param name="MaxBytes">
/// The largest body that any agent takes, in bytes; more of it changes no verdict but that it is too large. 0 when none is wanted, <see cref="long.MaxValue"/>
/// for no limit.
/// </param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct WantedBody(BodyNeed Need, long MaxBytes)
{
    /// <summary>Both wishes: the stronger need and the larger limit.</summary>
    internal WantedBody And(BodyNeed need, long maxBytes) => new(need > Need ? need : Need, Math.Max(MaxBytes, maxBytes));
}

/// <summary>How a body is to be handed in; a greater one includes a lesser.</summary>
internal enum BodyNeed
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>Piece by piece; a judged piece may go on before the next has come.</summary>
    Stream,

    /// <summary>An agent decides about the whole: nothing should go on before the end has come.</summary>
    Full,
}
