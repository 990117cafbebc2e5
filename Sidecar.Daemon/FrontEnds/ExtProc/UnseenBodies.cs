using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>Judges an exchange by what agents wanted of it and did not get to see. Stateless.</summary>
internal static class UnseenBodies
{
    /// <summary>
    /// The response's headers came: what they tell about a request body that did not. Refuses the exchange, or gives the request up.
    /// </summary>
    /// <param name="exchange">The exchange, its response's origin known.</param>
    /// <param name="response">The headers.</param>
    /// <returns>Whether nothing may go on, and that is yet to be answered.</returns>
    public static bool AreRefused(ExtProcExchange exchange, HttpHeaders response)
    {
        var request = exchange.Request;
        if (exchange.HasBody || !request.IsOpen || !request.IsWanted)
        {
            return false;
        }

        // Where Envoy does not say whose answer it is, these two are what it gives to a body that does not come or does not fit.
        if (exchange.Origin == ResponseOrigin.Envoy
            || (exchange.Origin == ResponseOrigin.Untold && EnvoyHeaders.Read(response.Headers, exchange.Options).Status is 408 or 413))
        {
            exchange.Origin = ResponseOrigin.Envoy;
            request.GiveUp();
            exchange.Exchange.Note(LedgerState.Abandoned, Cause.Superseded);
            return false;
        }

        // An upstream may answer before it has got anything of a streamed body.
        var isCertain = exchange.Modes.Of(Direction.Request) != BodySendMode.Streamed;
        if (!exchange.Modes.IsAskedFor(Direction.Request) || (!isCertain && exchange.Filter.IsHeard))
        {
            return false;
        }

        exchange.Filter.NoteUnheard(isCertain);
        exchange.Exchange.Note(LedgerState.Bypassed, Cause.UnheardOverride);
        return true;
    }

    /// <summary>
    /// The stream ends undecided: without a response the client is gone; with one, the upstream may have had the request.
    /// </summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="goneFor">Why nobody waits any more.</param>
    public static void Note(ExtProcExchange exchange, Cause goneFor)
    {
        NoteBody(exchange, exchange.Request, goneFor);
        NoteBody(exchange, exchange.Response, goneFor);
        if (exchange.Origin is null && exchange.Request.Answer is { IsSent: true } && exchange.Exchange.Wants(EventKind.ResponseHeaders))
        {
            exchange.Exchange.MissResponse(goneFor == Cause.Shutdown ? Cause.Shutdown : Cause.NoResponse);
            exchange.Filter.NoteNoResponse();
        }
    }

    private static void NoteBody(ExtProcExchange exchange, ExtProcDirection direction, Cause goneFor)
    {
        if (direction is not { IsOpen: true, IsWanted: true })
        {
            return;
        }

        if (direction.Direction == Direction.Request && exchange.Origin is ResponseOrigin.Upstream or ResponseOrigin.Untold)
        {
            exchange.Exchange.Note(direction.Received == 0 ? LedgerState.Bypassed : LedgerState.Partly, Cause.Truncated);
        }
        else if (direction is { Direction: Direction.Response, Received: 0 } && exchange.Modes.IsAskedFor(Direction.Response)
            && !exchange.Filter.IsHeard
            && !exchange.Exchange.IsBusy)
        {
            exchange.Filter.NoteUnheard(isCertain: false);
            exchange.Exchange.Note(LedgerState.Bypassed, Cause.UnheardOverride);
        }
        else
        {
            exchange.Exchange.Note(LedgerState.Abandoned, goneFor);
        }
    }
}
