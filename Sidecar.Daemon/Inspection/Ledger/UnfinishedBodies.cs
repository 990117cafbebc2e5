using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.Inspection.Ledger;

/// <summary>
/// Request bodies whose proxy goes on, or goes away, before agents have seen them to their end: what they did not see has reached the
/// upstream, or may have, so nothing of it counts as inspected. Only of exchanges whose phases are joined: elsewhere the proxy waits for
/// what is held here.
/// </summary>
internal static class UnfinishedBodies
{
    private const string Warning = "it went on with requests, or left them, whose body it had not told to the end (cause body-unfinished): "
        + "agents did not see all of what may have reached the upstream; let the proxy hand bodies over to their end and wait for the "
        + "answer (behind a Zentinel proxy request-body-mode \"inspect-first\" or \"stream\")";

    /// <summary>The response has come, so the proxy has sent the request on: what is held here of its body was not waited for.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="warnings">Where operators look.</param>
    /// <param name="logger">The log.</param>
    /// <returns>
    /// The verdict where an agent that fails closed was passed by: the response is all that can still be stopped. Null when it may go on.
    /// </returns>
    public static Verdict? AtResponse(Exchange exchange, ListenerWarnings warnings, ILogger logger)
    {
        if (!exchange.IsJoined || exchange.BodyOf(Direction.Request) is not { AwaitsMore: true } body)
        {
            return null;
        }

        var isClosed = false;
        for (var place = 0; place < body.Stages.Count; place++)
        {
            if (body.Stages[place].AwaitsMore && IsConcerned(exchange, body, place))
            {
                Note(exchange, body, place);
                isClosed |= exchange.Enforced[place].Session.Policy.FailureModeFor(Cause.BodyUnfinished, isResponse: false) == FailureMode.Closed;
            }
        }

        warnings.Add(logger, exchange.Listener, Warning);
        return isClosed ? Verdict.Refused(Cause.BodyUnfinished) : null;
    }

    /// <summary>The exchange is over. Not while an event is under way.</summary>
    /// <inheritdoc cref="AtResponse"/>
    public static void AtEnd(Exchange exchange, ListenerWarnings warnings, ILogger logger)
    {
        if (!exchange.IsJoined || exchange.IsRefused || exchange.BodyOf(Direction.Request) is not { IsOpen: true } body)
        {
            return;
        }

        var isAny = false;
        for (var place = 0; place < body.Stages.Count; place++)
        {
            if (IsConcerned(exchange, body, place))
            {
                Note(exchange, body, place);
                isAny = true;
            }
        }

        if (isAny)
        {
            warnings.Add(logger, exchange.Listener, Warning);
        }
    }

    // A flow has its stages in the order of the participants.
    private static bool IsConcerned(Exchange exchange, BodyPipeline body, int place) =>
        !body.Stages[place].Passes && exchange.Enforced[place].Session.Wants(BodyPipeline.KindOf(Direction.Request));

    private static void Note(Exchange exchange, BodyPipeline body, int place) => exchange.Enforced[place].Note(
        Direction.Request, body.Stages[place].Seen > 0 ? LedgerState.Partly : LedgerState.Abandoned, Cause.BodyUnfinished);
}
