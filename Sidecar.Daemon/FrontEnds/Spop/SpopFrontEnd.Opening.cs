using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>The exchange that a NOTIFY is about, or why it is judged without agents.</summary>
internal sealed partial class SpopFrontEnd
{
    private Verdict? OpenRequest(NotifyRequest request, out Exchange exchange, out SpopExchange? joined)
    {
        joined = null;
        exchange = Begin(request.Arguments);
        request.Attach(exchange);
        if ((_rules.Refusal(request, exchange) ?? (RefusesNew ? Inspector.PassBy(exchange, Cause.ShuttingDown) : null)) is { } verdict)
        {
            return verdict;
        }

        joined = Options.HasResponsePhase ? new SpopExchange(exchange, request.Arguments.Method!) : null;
        if (joined is null || _directory.TryAdd(CorrelationId.Parse(request.Arguments.Id!), joined))
        {
            return null;
        }

        joined = null;
        return exchange.Refuse(Cause.TooManyExchanges);
    }

    // Without an exchange when it is not known here.
    private Verdict? OpenResponse(NotifyRequest request, out Exchange? exchange, out SpopExchange? joined)
    {
        joined = request.Arguments.Id is { } id ? _directory.Remove(CorrelationId.Parse(id)) : null;
        exchange = joined?.Exchange;
        if (exchange is null)
        {
            return null;
        }

        request.Attach(exchange);
        if (!joined!.IsJudged)
        {
            // HAProxy gave up waiting for the request's verdict and went on.
            exchange.Abandon(Cause.Superseded, CancelReason.Manual);
        }

        return _rules.Refusal(request, exchange);
    }

    private Verdict JudgeUnknown(NotifyRequest request, Exchange exchange)
    {
        var isOpen = Options.UnknownExchange == FailureMode.Open;
        var verdict = _rules.Refusal(request, exchange)
            ?? (isOpen ? Verdict.Allow with { Cause = Cause.ExchangeUnknown } : Verdict.Refused(Cause.ExchangeUnknown));
        exchange.Note(verdict.IsAllow ? LedgerState.Bypassed : LedgerState.Refused, verdict.Cause);
        return verdict;
    }

    // What a message without method or target asks for nobody knows: it is refused, and stands in no route's account.
    private Exchange Begin(NotifyArguments args) =>
        args is not { Method: { } method, Target: { } target } ? _inspector.BeginUnknown(Options.Name)
        : args.Route is { } route && _inspector.BeginOn(Options.Name, route, args.Host, target, method) is { } named ? named
        : _inspector.Begin(Options.Name, args.Host, target, method);
}

/// <summary>An exchange that waits for its response, with what the request phase leaves to it.</summary>
/// <param name="exchange">The exchange.</param>
/// <param name="method">The request's method, which decides whether the response has a body.</param>
internal sealed class SpopExchange(Exchange exchange, string method) : JoinedExchange(exchange)
{
    /// <summary>The request's method.</summary>
    public string Method => method;

    /// <summary>Whether the request's verdict has been given.</summary>
    public bool IsJudged { get; private set; }

    /// <summary>
    /// Changes of the response's headers that agents asked for with the request. Those asked for with the response come after them.
    /// </summary>
    public IReadOnlyList<HeaderEdit> ResponseEdits { get; private set; } = [];

    /// <summary>Bytes of the request's body that came.</summary>
    public long RequestBytes { get; private set; }

    /// <summary>The request's verdict is about to be given: from here on HAProxy may ask about the response.</summary>
    /// <param name="responseEdits">What it leaves to the response.</param>
    /// <param name="requestBytes">Bytes of the request's body that came.</param>
    /// <param name="awaitsResponse">Whether the response is to be asked about.</param>
    public void Judge(IReadOnlyList<HeaderEdit> responseEdits, long requestBytes, bool awaitsResponse)
    {
        (ResponseEdits, RequestBytes, AwaitsResponse) = (responseEdits, requestBytes, awaitsResponse);
        IsJudged = true;
    }
}
