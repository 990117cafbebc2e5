using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>
/// Turns what HAProxy told into events and hands them to the inspector: headers first, then as much of the body as came. Safe for many turns at once.
/// </summary>
internal sealed class SpopInspection(SpopListenerOptions options, Inspector inspector, LogThrottle pace, ILogger logger)
{
    /// <summary>Asks about a request.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<Verdict> RequestAsync(NotifyRequest turn, Exchange exchange, long deadline)
    {
        var facts = turn.Facts;
        var body = SpopBodies.OfRequest(facts);
        var message = facts.RequestEvent(exchange, body is not null, inspector.Time.GetUtcNow());
        var verdict = await inspector.InspectAsync(exchange, message, deadline).ConfigureAwait(false);
        return verdict.IsAllow && body is { } piece
            ? await PushAsync(exchange, Direction.Request, verdict, piece, deadline).ConfigureAwait(false)
            : verdict;
    }

    /// <summary>Asks about a response.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<Verdict> ResponseAsync(NotifyRequest turn, SpopExchange joined, long deadline)
    {
        var facts = turn.Facts;
        var message = new ResponseHeadersEvent { Status = (ushort)facts.Status!.Value, Headers = facts.Headers };
        var verdict = await inspector.InspectAsync(joined.Exchange, message, deadline).ConfigureAwait(false);
        return verdict.IsAllow && SpopBodies.OfResponse(facts, joined.Method) is { } body
            ? await PushAsync(joined.Exchange, Direction.Response, verdict, body, deadline).ConfigureAwait(false)
            : verdict;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Verdict> PushAsync(Exchange exchange, Direction direction, Verdict headers, BodyPiece body, long deadline)
    {
        using var step = await inspector.PushAsync(exchange, direction, body, deadline).ConfigureAwait(false);
        var verdict = headers.Then(step.Verdict);
        if (!verdict.IsAllow || (step.Progress.IsPristine && step.Progress.Released == step.Progress.Pushed))
        {
            return verdict;
        }

        // HAProxy cannot change a body in any version (proxy integration §1.7).
        exchange.NoteUnapplied(direction == Direction.Request ? "request-body" : "response-body");
        return exchange.Route is { RefusesUnapplied: false } ? verdict : verdict with
        {
            Kind = VerdictKind.FailedClosed,
            Cause = Cause.Unapplied,
        };
    }

    /// <summary>What is refused without asking anybody; null when it can be inspected.</summary>
    public Verdict? Refusal(NotifyRequest turn, Exchange exchange)
    {
        if (turn.Refused is { } cause)
        {
            return exchange.Refuse(cause);
        }

        var facts = turn.Facts;
        if ((SpopRules.Misconfiguration(facts, turn.Phase, options) ?? UnknownRoute(facts, exchange)) is { } fault)
        {
            if (pace.MayLog("misconfigured", out var more))
            {
                Log.Misconfigured(logger, options.Name, fault, more);
            }

            return exchange.Refuse(Cause.Malformed);
        }

        if (SpopRules.Problem(facts, turn.Phase, options) is { } problem)
        {
            Log.Malformed(logger, facts.Id, exchange.Id.ToString(), problem);
            return exchange.Refuse(Cause.Malformed);
        }

        return facts.IsBodyLost ? exchange.Refuse(Cause.BodyMemory) : null;
    }

    private static string? UnknownRoute(NotifyArguments facts, Exchange exchange) => facts.Route is { } route && exchange.Route?.Id != route
        ? $"the argument route names '{HeaderRules.Echo(route)}', which no --route defines"
        : null;
}

/// <summary>An exchange that waits for its response, with what the request phase leaves to it.</summary>
/// <param name="exchange">The exchange.</param>
/// <param name="method">The request's method, which decides whether the response has a body.</param>
internal sealed class SpopExchange(Exchange exchange, string method) : JoinedExchange(exchange)
{
    /// <summary>The request's method.</summary>
    public string Method => method;

    /// <summary>Whether the request's verdict has been given.</summary>
    public bool IsJudged { get; set; }

    /// <summary>Changes of the response's headers that agents asked for with the request. Those asked for with the response come after them.</summary>
    public IReadOnlyList<HeaderEdit> ResponseEdits { get; set; } = [];

    /// <summary>Bytes of the request's body that came.</summary>
    public long RequestBytes { get; set; }
}
