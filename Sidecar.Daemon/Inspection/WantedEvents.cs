using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>
/// What the agents of an exchange still want to see of it, for front ends whose proxy sends only what it is asked for (proxy integration
/// §3.5.10, §6.3).
/// </summary>
/// <remarks>
/// What an agent wants is known from its capabilities at the latest when it has been asked once, so the answer to the request headers is
/// the time to look. An agent that missed the request, or that a body passes by since an earlier piece, wants nothing more: nothing can be
/// judged from the middle.
/// </remarks>
/// <param name="RequestBody">The request's body.</param>
/// <param name="ResponseHeaders">Whether the response's headers are wanted; the response's body never comes without them.</param>
/// <param name="ResponseBody">The response's body.</param>
internal readonly record struct WantedEvents(WantedBody RequestBody, bool ResponseHeaders, WantedBody ResponseBody)
{
    /// <summary>What is wanted of an exchange now.</summary>
    public static WantedEvents Of(Exchange exchange)
    {
        var wantsResponse = false;
        foreach (var participant in exchange.Participants)
        {
            wantsResponse |= StillWants(participant, EventKind.ResponseHeaders);
        }

        return new(BodyOf(exchange, Direction.Request), wantsResponse, BodyOf(exchange, Direction.Response));
    }

    private static WantedBody BodyOf(Exchange exchange, Direction direction)
    {
        var flow = exchange.BodyOf(direction);
        var kind = BodyPipeline.KindOf(direction);
        var wanted = default(WantedBody);
        var participants = exchange.Participants;
        for (var place = 0; place < participants.Length; place++)
        {
            var isEnforced = place < exchange.Plan.Enforced;
            if (!StillWants(participants[place], kind) || (isEnforced && flow?.Stages[place].Passes == true))
            {
                continue;
            }

            // Nothing waits for those who only watch, however they are shown the body.
            var session = participants[place].Session;
            var policy = direction == Direction.Request ? session.Policy.RequestBody : session.Policy.ResponseBody;
            var need = isEnforced && policy.Mode == BodyMode.Buffer ? BodyNeed.Full : BodyNeed.Stream;
            wanted = wanted.And(need, Math.Min(policy.MaxBytes, session.MaxBodyBytes));
        }

        return wanted;
    }

    private static bool StillWants(Participant participant, EventKind kind) =>
        participant.Session.Wants(kind) && !participant.Session.HasMissedRequest;
}

/// <summary>What is wanted of one body.</summary>
/// <param name="Need">How it is to be handed in.</param>
/// <param name="MaxBytes">
/// The largest body that any agent takes, in bytes; more of it changes no verdict but that it is too large. 0 when none is wanted,
/// <see cref="long.MaxValue"/> for no limit.
/// </param>
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
