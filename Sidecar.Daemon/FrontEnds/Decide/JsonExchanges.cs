using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>The exchanges that scripts ask about: finds the one of a question, or begins it. Safe from any thread.</summary>
/// <remarks>
/// A question that tells a request's method begins an exchange, and supersedes an open one of the same id; one that tells only a body, or a
/// response, goes on with the open one. A response whose request is not known may repeat it.
/// </remarks>
internal sealed class JsonExchanges(JsonListenerOptions options, Inspector inspector, ILogger logger) : IDisposable
{
    private readonly ExchangeDirectory<JsonExchange> _open = new(inspector);
    private volatile bool _refusesNew;
    private volatile bool _isSuperseded;

    /// <summary>Exchanges open now.</summary>
    public int Count => _open.Count;

    /// <summary>Another daemon has taken over: whoever still asks here for a new exchange is answered, also while this one ends.</summary>
    public void Supersede() => (_isSuperseded, _refusesNew) = (true, false);

    /// <summary>
    /// Waits until none is open, or until the token fires; new ones are not inspected meanwhile, unless another daemon has taken over.
    /// </summary>
    public Task DrainAsync(CancellationToken timeIsUp)
    {
        _refusesNew = !_isSuperseded;
        if (_refusesNew && Count is > 0 and var waiting)
        {
            Log.Draining(logger, options.Name, waiting);
        }

        return _open.WhenEmptyAsync(timeIsUp);
    }

    /// <summary>Whether an exchange of this id is open.</summary>
    public bool Knows(string tx) => _open.Find(CorrelationId.Parse(tx)) is not null;

    /// <summary>Whether a question goes on with an exchange that is not open here.</summary>
    public bool IsUnknown(DecideRequest question) =>
        question.Tx is { } tx && (question.IsOfResponse || question.Request?.Method is null) && !Knows(tx);

    /// <summary>The exchange of a question.</summary>
    /// <param name="question">The question; the turn of its part is taken.</param>
    /// <param name="begun">Whether it began with this question.</param>
    /// <param name="early">The answer where there is nothing to inspect; then everything is accounted.</param>
    /// <returns>Null with an answer.</returns>
    public JsonExchange? Find(DecideRequest question, out bool begun, out Answer early)
    {
        (begun, early) = (false, null!);
        var request = question.Request;
        if (question.Tx is { } tx && _open.Find(CorrelationId.Parse(tx)) is { } open
            && (question.IsOfResponse || request!.Method is null))
        {
            return Join(question, tx, open, out early);
        }

        if (request?.Method is null)
        {
            early = Unknown(question);
            return null;
        }

        begun = true;
        return Begin(question, request, out early);
    }

    /// <summary>Keeps an exchange for its end only: it makes way for others when there is no room.</summary>
    public void Finish(string tx, JsonExchange joined) => _open.Finish(CorrelationId.Parse(tx), joined);

    /// <summary>Ends an exchange.</summary>
    public void End(string? tx, JsonExchange joined)
    {
        if (tx is not null)
        {
            _open.Remove(CorrelationId.Parse(tx), joined);
        }

        inspector.End(joined.Exchange);
    }

    /// <summary>The caller tells how an exchange ended; one that is not open has ended before.</summary>
    /// <returns>Whether it was open.</returns>
    public bool Complete(string tx, RequestCompleteEvent facts)
    {
        if (_open.Remove(CorrelationId.Parse(tx)) is not { } joined)
        {
            return false;
        }

        inspector.End(joined.Exchange, facts);
        return true;
    }

    /// <summary>Accounts for a question that makes no exchange: it was not understood, not taken, or its exchange is not known.</summary>
    /// <returns>The exchange under whose id that was done; it has ended.</returns>
    public Exchange Account(LedgerState state, Cause cause) => inspector.Account(options.Name, state, cause);

    /// <summary>Ends the open exchanges: the listener stops.</summary>
    public void Dispose() => _open.Dispose();

    private JsonExchange? Join(DecideRequest question, string tx, JsonExchange open, out Answer early)
    {
        early = null!;
        if (question.IsOfResponse && open.IsRequestOpen)
        {
            // The proxy has given up on the request's phase.
            open.Exchange.Abandon(Cause.Superseded, CancelReason.Manual);
        }

        if (question.Body is not { } part || open.BodyOf(question.Direction).Take(part) is not { } wrong)
        {
            return open;
        }

        open.Exchange.Note(LedgerState.Refused, Cause.Malformed);
        Account(LedgerState.Refused, Cause.Malformed);
        early = Answer.Of(OutOfOrder($"the body of '{HeaderRules.Echo(tx)}': {wrong}"));
        return null;
    }

    private JsonExchange? Begin(DecideRequest question, DecideHttpRequest request, out Answer early)
    {
        early = null!;
        var exchange = inspector.Begin(options.Name, request.Host, request.Target, request.Method!);
        var joined = new JsonExchange(exchange, inspector.BodyMemory);
        if (request.Problem is { } problem)
        {
            Log.Malformed(logger, question.Tx, exchange.Id, problem);
            early = Answer.Of(question, exchange, exchange.Refuse(Cause.Malformed));
        }
        else if (_refusesNew && Inspector.PassBy(exchange, Cause.ShuttingDown) is { } passed)
        {
            early = Answer.Of(question, exchange, passed);
        }
        else if (question.Body is { } part && joined.BodyOf(question.Direction).Take(part) is { } wrong)
        {
            exchange.Note(LedgerState.Refused, Cause.Malformed);
            early = Answer.Of(OutOfOrder($"the body of a new exchange: {wrong}"));
        }
        else if (question.Tx is { } tx && !_open.TryAdd(CorrelationId.Parse(tx), joined))
        {
            exchange.Note(LedgerState.Refused, Cause.TooManyExchanges);
            early = Answer.Of(DecideRequestError.Overloaded(
                $"{inspector.Model.Configuration.MaxExchanges} exchanges are open, as many as may be; tell their ends, or leave out tx "
                + "where nothing follows"));
        }
        else
        {
            return joined;
        }

        inspector.End(exchange);
        return null;
    }

    private Answer Unknown(DecideRequest question)
    {
        var isOpen = options.UnknownExchange == FailureMode.Open;
        return Answer.Of(
            question,
            Account(isOpen ? LedgerState.Bypassed : LedgerState.Refused, Cause.ExchangeUnknown),
            isOpen ? new Verdict { Cause = Cause.ExchangeUnknown } : Verdict.Refused(Cause.ExchangeUnknown));
    }

    private static DecideRequestError OutOfOrder(string message) => new(400, "out-of-order", message);
}
