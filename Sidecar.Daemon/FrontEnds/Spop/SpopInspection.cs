using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>Turns what HAProxy told into events and hands them to the inspector: headers first, then as much of the body as came. Safe for many turns at once.</summary>
internal sealed class SpopInspection(SpopListenerOptions options, Inspector inspector, SpopAnswerWriter writer, LogPace pace, ILogger logger)
{
    /// <summary>Asks about a request.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<Verdict> RequestAsync(SpopTurn turn, Exchange exchange, long deadline)
    {
        var facts = turn.Facts;
        var message = SpopEvents.Request(facts, exchange, inspector.Time.GetUtcNow());
        var verdict = await inspector.InspectAsync(exchange, message, deadline).ConfigureAwait(false);
        return verdict.IsAllow && SpopBodies.OfRequest(facts) is { } body
            ? await PushAsync(exchange, Direction.Request, verdict, body, deadline).ConfigureAwait(false)
            : verdict;
    }

    /// <summary>Asks about a response.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<Verdict> ResponseAsync(SpopTurn turn, SpopExchange joined, long deadline)
    {
        var verdict = await inspector.InspectAsync(joined.Exchange, SpopEvents.Response(turn.Facts), deadline).ConfigureAwait(false);
        return verdict.IsAllow && SpopBodies.OfResponse(turn.Facts, joined.Method) is { } body
            ? await PushAsync(joined.Exchange, Direction.Response, verdict, body, deadline).ConfigureAwait(false)
            : verdict;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Verdict> PushAsync(Exchange exchange, Direction direction, Verdict headers, BodyPiece body, long deadline)
    {
        using var step = await inspector.PushAsync(exchange, direction, body, deadline).ConfigureAwait(false);
        var verdict = VerdictSum.Of(headers, step.Verdict);
        if (!verdict.IsAllow || (step.Progress.IsPristine && step.Progress.Released == step.Progress.Pushed))
        {
            return verdict;
        }

        // HAProxy cannot change a body in any version (proxy-integration §1.7).
        writer.Count(direction == Direction.Request ? "request-body" : "response-body");
        return exchange.Route is { RefusesUnapplied: false } ? verdict : verdict with
        {
            Kind = VerdictKind.FailedClosed,
            Cause = Cause.Unapplied,
        };
    }

    /// <summary>What is refused without asking anybody; null when it can be inspected.</summary>
    public Verdict? Refusal(SpopTurn turn, Exchange exchange)
    {
        if (turn.Refused is { } cause)
        {
            return Refuse(exchange, cause);
        }

        var facts = turn.Facts;
        if ((SpopRules.Misconfiguration(facts, turn.Phase, options) ?? UnknownRoute(facts, exchange)) is { } fault)
        {
            if (pace.MayLog("misconfigured", out var more))
            {
                Log.Misconfigured(logger, options.Name, fault, more);
            }

            return Refuse(exchange, Cause.Malformed);
        }

        if (SpopRules.Problem(facts, turn.Phase, options) is { } problem)
        {
            Log.Malformed(logger, facts.Id, exchange.Id.ToString(), problem);
            return Refuse(exchange, Cause.Malformed);
        }

        return facts.IsBodyLost ? Refuse(exchange, Cause.BodyMemory) : null;
    }

    private static string? UnknownRoute(SpopFacts facts, Exchange exchange) => facts.Route is { } route && exchange.Route?.Id != route
        ? $"the argument route names '{HeaderRules.Echo(route)}', which no --route defines"
        : null;

    /// <summary>Refuses and accounts for it.</summary>
    public static Verdict Refuse(Exchange exchange, Cause cause)
    {
        exchange.Note(LedgerState.Refused, cause);
        return Verdict.Refused(cause);
    }
}
